"""The real cells that models are trained and judged on, with their types in one vocabulary.

Each set is an AnnData of raw counts (log-normalised for ``pbmc68k``, of which no counts exist)
with gene symbols as ``var_names`` and the model's label in ``obs["label"]``; cells whose type has
no place in that vocabulary are left out.
"""

from __future__ import annotations

import os
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from sc_duality.tasks import Perturbation

#: Where the real cells lie; they are not part of this repository.
DATA = Path(os.environ.get("SC_DUALITY_BENCHMARK_DATA", "../shared/data"))

#: Cell Ontology term of every label.
ONTOLOGY = {
    "B cell": "CL:0000236",
    "CD4-positive, alpha-beta T cell": "CL:0000624",
    "CD8-positive, alpha-beta T cell": "CL:0000625",
    "natural killer cell": "CL:0000623",
    "classical monocyte": "CL:0000860",
    "non-classical monocyte": "CL:0000875",
    "dendritic cell": "CL:0000451",
    "megakaryocyte": "CL:0000556",
    "macrophage": "CL:0000235",
    "endothelial cell": "CL:0000115",
    "fibroblast": "CL:0000057",
    "mural cell": "CL:0008034",
    "pancreatic A cell": "CL:0000171",
    "type B pancreatic cell": "CL:0000169",
    "pancreatic D cell": "CL:0000173",
    "pancreatic PP cell": "CL:0002275",
    "pancreatic acinar cell": "CL:0002064",
    "pancreatic ductal cell": "CL:0002079",
    "pancreatic stellate cell": "CL:0002410",
    "type I pneumocyte": "CL:0002062",
    "type II pneumocyte": "CL:0002063",
    "basal cell": "CL:0000646",
    "club cell": "CL:0000158",
    "respiratory goblet cell": "CL:0002370",
    "lung ciliated cell": "CL:1000271",
    "basophil": "CL:0000767",
    "neutrophil": "CL:0000775",
    "regular atrial cardiac myocyte": "CL:0002129",
    "regular ventricular cardiac myocyte": "CL:0002131",
    "adipocyte": "CL:0000136",
    "glial cell": "CL:0000125",
    "retinal rod cell": "CL:0000604",
    "retinal cone cell": "CL:0000573",
    "amacrine cell": "CL:0000561",
    "Mueller cell": "CL:0000636",
    "rod bipolar cell": "CL:0000751",
    "OFF-bipolar cell": "CL:0000750",
    "ON-bipolar cell": "CL:0000749",
    "retinal ganglion cell": "CL:0000740",
    "retina horizontal cell": "CL:0000745",
    "astrocyte": "CL:0000127",
}

#: The coarse type of every label: a term above it in the Cell Ontology, or itself. None is above another.
COARSE = {
    "B cell": "B cell",
    "CD4-positive, alpha-beta T cell": "T cell",
    "CD8-positive, alpha-beta T cell": "T cell",
    "natural killer cell": "natural killer cell",
    "classical monocyte": "monocyte",
    "non-classical monocyte": "monocyte",
    "dendritic cell": "dendritic cell",
    "megakaryocyte": "megakaryocyte",
    "macrophage": "macrophage",
    "endothelial cell": "endothelial cell",
    "fibroblast": "fibroblast",
    "mural cell": "mural cell",
    "pancreatic A cell": "pancreatic endocrine cell",
    "type B pancreatic cell": "pancreatic endocrine cell",
    "pancreatic D cell": "pancreatic endocrine cell",
    "pancreatic PP cell": "pancreatic endocrine cell",
    "pancreatic acinar cell": "epithelial cell of exocrine pancreas",
    "pancreatic ductal cell": "epithelial cell of exocrine pancreas",
    "pancreatic stellate cell": "fibroblast",
    "type I pneumocyte": "pneumocyte",
    "type II pneumocyte": "pneumocyte",
    "basal cell": "basal cell",
    "club cell": "respiratory tract secretory epithelial cell",
    "respiratory goblet cell": "respiratory tract secretory epithelial cell",
    "lung ciliated cell": "lung ciliated cell",
    "basophil": "granulocyte",
    "neutrophil": "granulocyte",
    "regular atrial cardiac myocyte": "cardiac muscle cell",
    "regular ventricular cardiac myocyte": "cardiac muscle cell",
    "adipocyte": "adipocyte",
    "glial cell": "glial cell",
    "retinal rod cell": "photoreceptor cell",
    "retinal cone cell": "photoreceptor cell",
    "amacrine cell": "amacrine cell",
    "Mueller cell": "glial cell",
    "rod bipolar cell": "retinal bipolar neuron",
    "OFF-bipolar cell": "retinal bipolar neuron",
    "ON-bipolar cell": "retinal bipolar neuron",
    "retinal ganglion cell": "retinal ganglion cell",
    "retina horizontal cell": "retina horizontal cell",
    "astrocyte": "glial cell",
}
#: Cell Ontology term of the coarse types that are no labels.
COARSE_ONTOLOGY = {
    "T cell": "CL:0000084",
    "monocyte": "CL:0000576",
    "granulocyte": "CL:0000094",
    "pancreatic endocrine cell": "CL:0008024",
    "epithelial cell of exocrine pancreas": "CL:1001433",
    "pneumocyte": "CL:0000322",
    "respiratory tract secretory epithelial cell": "CL:0008055",
    "cardiac muscle cell": "CL:0000746",
    "photoreceptor cell": "CL:0000210",
    "retinal bipolar neuron": "CL:0000748",
}

#: Names that people use for these labels.
SYNONYMS = {
    "B cells": "B cell",
    "CD4 T cell": "CD4-positive, alpha-beta T cell",
    "CD4 T cells": "CD4-positive, alpha-beta T cell",
    "CD4+ T cells": "CD4-positive, alpha-beta T cell",
    "CD8 T cell": "CD8-positive, alpha-beta T cell",
    "CD8 T cells": "CD8-positive, alpha-beta T cell",
    "CD8+ T cells": "CD8-positive, alpha-beta T cell",
    "NK cell": "natural killer cell",
    "NK cells": "natural killer cell",
    "CD14+ Monocytes": "classical monocyte",
    "CD14 monocyte": "classical monocyte",
    "FCGR3A+ Monocytes": "non-classical monocyte",
    "CD16 monocyte": "non-classical monocyte",
    "Dendritic cells": "dendritic cell",
    "DC": "dendritic cell",
    "Megakaryocytes": "megakaryocyte",
    "Platelet": "megakaryocyte",
    "alpha cell": "pancreatic A cell",
    "beta cell": "type B pancreatic cell",
    "delta cell": "pancreatic D cell",
    "PP cell": "pancreatic PP cell",
    "acinar cell": "pancreatic acinar cell",
    "ductal cell": "pancreatic ductal cell",
    "AT1": "type I pneumocyte",
    "AT2": "type II pneumocyte",
}

_BLOOD = {
    "B cells": "B cell",
    "CD4 T cells": "CD4-positive, alpha-beta T cell",
    "CD8 T cells": "CD8-positive, alpha-beta T cell",
    "NK cells": "natural killer cell",
    "CD14+ Monocytes": "classical monocyte",
    "FCGR3A+ Monocytes": "non-classical monocyte",
    "Dendritic cells": "dendritic cell",
    "Megakaryocytes": "megakaryocyte",
}
_LUNG = {
    "capillary endothelial cell": "endothelial cell",
    "vein endothelial cell": "endothelial cell",
    "lung microvascular endothelial cell": "endothelial cell",
    "endothelial cell of artery": "endothelial cell",
    "effector CD4-positive, alpha-beta T cell": "CD4-positive, alpha-beta T cell",
    "effector CD8-positive, alpha-beta T cell": "CD8-positive, alpha-beta T cell",
    "pericyte": "mural cell",
    "bronchial smooth muscle cell": "mural cell",
    "smooth muscle cell": "mural cell",
}
_HEART_NUCLEI = {
    "aCM": "regular atrial cardiac myocyte",
    "vCM": "regular ventricular cardiac myocyte",
    "FB": "fibroblast",
    "END": "endothelial cell",
    "EC": "endothelial cell",
    "vSM/PC": "mural cell",
    "aSM": "mural cell",
    "MAC": "macrophage",
    "AD": "adipocyte",
    "SWC": "glial cell",
}
_HEART_SINOATRIAL = {"neural cell": "glial cell"}
#: The immune cells of the sinoatrial node, by their fine type.
_HEART_IMMUNE = {
    "LYVE1+TIMD4+MP": "macrophage",
    "LYVE1+IGF1+MP": "macrophage",
    "LYVE1+MP_cycling": "macrophage",
    "MoMP": "macrophage",
    "CD16+Mo": "non-classical monocyte",
    "NK_CD16hi": "natural killer cell",
    "NK_CD56hi": "natural killer cell",
    "CD4+T_act": "CD4-positive, alpha-beta T cell",
    "CD4+T_naive": "CD4-positive, alpha-beta T cell",
    "CD8+T_em": "CD8-positive, alpha-beta T cell",
    "CD8+T_trans": "CD8-positive, alpha-beta T cell",
    "CD8+T_te": "CD8-positive, alpha-beta T cell",
    "B": "B cell",
}
#: The sorted fractions of ``pbmc68k_reduced``; CD34+ progenitors are no type of the model.
BULK_LABELS = {
    "CD19+ B": "B cell",
    "CD4+/CD25 T Reg": "CD4-positive, alpha-beta T cell",
    "CD4+/CD45RO+ Memory": "CD4-positive, alpha-beta T cell",
    "CD4+/CD45RA+/CD25- Naive T": "CD4-positive, alpha-beta T cell",
    "CD8+ Cytotoxic T": "CD8-positive, alpha-beta T cell",
    "CD8+/CD45RA+ Naive Cytotoxic": "CD8-positive, alpha-beta T cell",
    "CD56+ NK": "natural killer cell",
    "CD14+ Monocyte": "classical monocyte",
    "Dendritic": "dendritic cell",
}


def labelled(adata: ad.AnnData, labels: pd.Series) -> ad.AnnData:
    """The cells of ``adata`` whose label is one of the model's, with it in ``obs["label"]``."""
    adata.obs["label"] = labels.where(labels.isin(list(ONTOLOGY))).to_numpy()
    return adata[adata.obs["label"].notna().to_numpy()].copy()


def _cells_of(name: str) -> ad.AnnData:
    path = DATA / f"{name}.h5ad"
    if not path.is_file():
        raise SystemExit(f"there is no {path}: set SC_DUALITY_BENCHMARK_DATA to the folder with the benchmark cells")
    adata = ad.read_h5ad(path)
    adata.obs_names = [f"{name}:{cell}" for cell in adata.obs_names]
    return adata


def _read(name: str, names: dict[str, str] | None = None) -> ad.AnnData:
    adata = _cells_of(name)
    return labelled(adata, adata.obs["cell_type"].astype(str).replace(names or {}))


#: Studies of the pancreas.
PANCREAS = ("Tosti", "Fasolino", "Muraro", "Tritschler")


def pancreas() -> dict[str, ad.AnnData]:
    """Pancreas: training donors, a quarter of the donors held out, and two whole other studies."""
    cells = _read("pancreas_4studies")
    cells.obs["tissue"] = "pancreas"
    study = cells.obs["study"].astype(str)
    train = study.str.contains("Tosti|Fasolino").to_numpy()
    donors = np.unique(cells.obs["donor"].astype(str)[train])
    held = np.random.default_rng(0).choice(donors, len(donors) // 4, replace=False)
    is_held = cells.obs["donor"].isin(held).to_numpy()
    return {
        "train": cells[train & ~is_held].copy(),
        "held_out_donors": cells[train & is_held].copy(),
        "muraro": cells[study.str.contains("Muraro").to_numpy()].copy(),
        "tritschler": cells[study.str.contains("Tritschler").to_numpy()].copy(),
    }


def pbmc3k() -> ad.AnnData:
    """Blood: 10x PBMC3k without the cells that the package ships for tests and tutorials."""
    cells = by_coreceptor(_read("pbmc3k", _BLOOD))
    shipped = "pbmc3k:" + sd.datasets.pbmc3k().obs_names
    return cells[~cells.obs_names.isin(shipped)].copy()


def by_coreceptor(cells: ad.AnnData) -> ad.AnnData:
    """With T cells called CD8-positive that were called CD4-positive, but express CD8A or CD8B and no CD4.

    Naive CD8 T cells lie among the naive CD4 T cells where types are named by clusters.
    """
    cd4, cd8a, cd8b = (np.asarray(cells[:, gene].X.todense()).ravel() for gene in ("CD4", "CD8A", "CD8B"))
    named = cells.obs["label"].astype(str)
    wrong = (named == "CD4-positive, alpha-beta T cell") & (cd8a + cd8b > 0) & (cd4 == 0)
    cells.obs["label"] = named.where(~wrong, "CD8-positive, alpha-beta T cell").to_numpy()
    return cells


def kang() -> ad.AnnData:
    """Blood: control cells of eight donors, a panel of 1,277 genes.

    Without T cells: CD4, CD8A and CD8B are not on the panel, so that nothing can tell which of them are CD8-positive.
    """
    cells = _read("kang_control", _BLOOD)
    return cells[~cells.obs["label"].str.endswith("alpha-beta T cell").to_numpy()].copy()


def lung() -> ad.AnnData:
    """Lung: Tabula Sapiens, three donors."""
    return _read("tabula_sapiens_lung", _LUNG)


def retina() -> ad.AnnData:
    """Retina: nuclei of one donor."""
    return _read("retina")


def heart() -> list[ad.AnnData]:
    """Heart: nuclei of two donors, and of the sinoatrial node of a third."""
    node = _cells_of("heart_sinoatrial")
    coarse = node.obs["cell_type"].astype(str).replace(_HEART_SINOATRIAL)
    immune = node.obs["fine_type"].astype(str).map(_HEART_IMMUNE)
    return [
        _read("heart_nuclei", _HEART_NUCLEI),
        labelled(node, immune.where(immune.notna(), coarse)),
    ]


def pbmc68k() -> ad.AnnData:
    """Blood, out of distribution: 765 genes, log-normalised, sorted fractions as labels."""
    cells = sd.datasets.pbmc68k_reduced()
    cells = cells.raw.to_adata()
    return labelled(cells, cells.obs["bulk_labels"].astype(str).replace(BULK_LABELS))


def pbmc_facs() -> ad.AnnData:
    """Blood, out of distribution: sorted B, CD4 and CD8 T cells."""
    return _read("pbmc_facs_800", _BLOOD)


#: What was done in the three sets of perturbed cells.
INTERFERON = Perturbation("cytokine", "IFNB1", time="6 h")
PANOBINOSTAT = Perturbation("drug", "panobinostat", dose="0.2 µM")
CONTROL = Perturbation("control")


def kang_response() -> ad.AnnData:
    """Blood, control and interferon-β (two donors, five types; never trained on as labelled cells)."""
    cells = _read("kang_ifnb", _BLOOD)
    cells.obs["group"] = cells.obs["label"].astype(str) + ", donor " + cells.obs["donor"].astype(str)
    return _perturbed(cells, cells.obs["condition"].map({"ctrl": str(CONTROL), "stim": str(INTERFERON)}))


def glioblastoma() -> ad.AnnData:
    """Slices of glioblastoma of five patients, control and panobinostat, a panel of 300 genes."""
    cells = _cells_of("glioblastoma_panobinostat")
    cells.obs["group"] = cells.obs["donor"].astype(str)
    return _perturbed(cells, cells.obs["condition"].map({"ctrl": str(CONTROL), "panobinostat": str(PANOBINOSTAT)}))


def crispri() -> ad.AnnData:
    """Embryonic stem cells, five knockdowns and non-targeting guides, a panel of 1,000 genes."""
    cells = _cells_of("h1_crispri")
    cells.obs["group"] = "H1"
    name = cells.obs["perturbation"].astype(str)
    return _perturbed(cells, ("knockdown " + name).where(name != "non-targeting", str(CONTROL)))


def _perturbed(cells: ad.AnnData, perturbation: pd.Series) -> ad.AnnData:
    """With what was done in ``obs["perturbation"]`` and what is alike without it in ``obs["group"]``."""
    cells.obs["perturbation"] = perturbation.astype(str).to_numpy()
    return cells
