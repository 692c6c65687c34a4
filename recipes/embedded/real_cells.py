"""The real cells that the embedded model is trained and measured on, with types in one vocabulary.

Each set is an AnnData of raw counts (log-normalised for ``pbmc68k``, which has no counts) with gene symbols as
``var_names`` and the model's label in ``obs["label"]``. Cells of other types are left out. The sets are not part of
this repository: ``SC_DUALITY_BENCHMARK_DATA`` names their folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import sc_duality as sd
from recipes.embedded import cell_types
from sc_duality.tasks import Perturbation

#: Folder of the real cells.
DATA = Path(os.environ.get("SC_DUALITY_BENCHMARK_DATA", "../shared/data"))


def labelled(adata: ad.AnnData, labels: pd.Series) -> ad.AnnData:
    """The cells of ``adata`` with a label of the model, which goes into ``obs["label"]``."""
    adata.obs["label"] = labels.where(labels.isin(list(cell_types.ONTOLOGY))).to_numpy()
    return adata[adata.obs["label"].notna().to_numpy()].copy()


def stored(name: str) -> ad.AnnData:
    """A set as it is stored."""
    path = DATA / f"{name}.h5ad"
    if not path.is_file():
        raise SystemExit(f"{path} does not exist: set SC_DUALITY_BENCHMARK_DATA to the folder of the real cells.")
    return ad.read_h5ad(path)


def _read_h5ad(name: str) -> ad.AnnData:
    adata = stored(name)
    adata.obs_names = [f"{name}:{cell}" for cell in adata.obs_names]
    return adata


def _read(name: str, names: dict[str, str] | None = None) -> ad.AnnData:
    adata = _read_h5ad(name)
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
    chosen = np.random.default_rng(0).choice(donors, len(donors) // 4, replace=False)
    held_out = cells.obs["donor"].isin(chosen).to_numpy()
    return {
        "train": cells[train & ~held_out].copy(),
        "held_out_donors": cells[train & held_out].copy(),
        "muraro": cells[study.str.contains("Muraro").to_numpy()].copy(),
        "tritschler": cells[study.str.contains("Tritschler").to_numpy()].copy(),
    }


def pbmc3k() -> ad.AnnData:
    """Blood: 10x PBMC3k without the cells that the package ships for tests and tutorials."""
    cells = by_coreceptor(_read("pbmc3k", cell_types.BLOOD))
    shipped = "pbmc3k:" + sd.datasets.pbmc3k().obs_names
    return cells[~cells.obs_names.isin(shipped)].copy()


def by_coreceptor(cells: ad.AnnData) -> ad.AnnData:
    """Label T cells CD8-positive that are labelled CD4-positive, but express CD8A or CD8B and not CD4.

    Labels by cluster put naive CD8 T cells among the naive CD4 T cells.
    """
    cd4, cd8a, cd8b = (np.asarray(cells[:, gene].X.todense()).ravel() for gene in ("CD4", "CD8A", "CD8B"))
    label = cells.obs["label"].astype(str)
    wrong = (label == "CD4-positive, alpha-beta T cell") & (cd8a + cd8b > 0) & (cd4 == 0)
    cells.obs["label"] = label.where(~wrong, "CD8-positive, alpha-beta T cell").to_numpy()
    return cells


def kang() -> ad.AnnData:
    """Blood: control cells of eight donors, a panel of 1,277 genes.

    Without T cells: CD4, CD8A and CD8B are not on the panel, which therefore cannot tell CD4 from CD8 T cells.
    """
    cells = _read("kang_control", cell_types.BLOOD)
    return cells[~cells.obs["label"].str.endswith("alpha-beta T cell").to_numpy()].copy()


def lung() -> ad.AnnData:
    """Lung: Tabula Sapiens, three donors."""
    return _read("tabula_sapiens_lung", cell_types.LUNG)


def retina() -> ad.AnnData:
    """Retina: nuclei of one donor."""
    return _read("retina")


def heart() -> list[ad.AnnData]:
    """Heart: nuclei of two donors, and of the sinoatrial node of a third."""
    node = _read_h5ad("heart_sinoatrial")
    coarse = node.obs["cell_type"].astype(str).replace(cell_types.HEART_SINOATRIAL)
    immune = node.obs["fine_type"].astype(str).map(cell_types.HEART_IMMUNE)
    return [
        _read("heart_nuclei", cell_types.HEART_NUCLEI),
        labelled(node, immune.where(immune.notna(), coarse)),
    ]


def lymphoid_organs() -> dict[str, ad.AnnData]:
    """Spleen, lymph node and tonsil: training donors, and a quarter of the donors held out."""
    cells = _read("lymphoid_organs", cell_types.LYMPHOID)
    donors = np.unique(cells.obs["donor"].astype(str))
    held_out = cells.obs["donor"].isin(np.random.default_rng(0).choice(donors, len(donors) // 4, replace=False))
    return {"train": cells[~held_out.to_numpy()].copy(), "held_out_donors": cells[held_out.to_numpy()].copy()}


def head_and_neck() -> ad.AnnData:
    """Tumours of head and neck: immune cells and stroma; tens of transcripts per million, rounded, as counts."""
    cells = _read("headneck_puram", cell_types.HEAD_AND_NECK)
    cells.X = sparse.csr_matrix(np.rint(2.0 ** cells.X.toarray() - 1))
    return cells


def colon() -> ad.AnnData:
    """Colon, with and without a tumour: genes of metabolism only, and no tumour cells."""
    return _read("crc_scmetalink", cell_types.COLON)


def tumour() -> ad.AnnData:
    """Immune cells of tumours, out of distribution."""
    cells = _read("immune_tumour", cell_types.TUMOUR)
    cells.X = counts_of_log2(cells.X)
    return cells


def counts_of_log2(X: sparse.spmatrix) -> sparse.csr_matrix:
    """Counts from log2(1 + a multiple of them): the lowest value of every cell is a count of one."""
    found = sparse.csr_matrix(X, dtype=np.float64)
    found.data = 2**found.data - 1
    lowest = np.array([row.min() if len(row) else 1.0 for row in np.split(found.data, found.indptr[1:-1])])
    found.data = np.rint(found.data / np.repeat(lowest, np.diff(found.indptr)))
    return found


def pbmc68k() -> ad.AnnData:
    """Blood, out of distribution: 765 genes, log-normalised, sorted fractions as labels."""
    cells = sd.datasets.pbmc68k_reduced()
    cells = cells.raw.to_adata()
    return labelled(cells, cells.obs["bulk_labels"].astype(str).replace(cell_types.BULK_LABELS))


def pbmc_facs() -> ad.AnnData:
    """Blood, out of distribution: sorted B, CD4 and CD8 T cells."""
    return _read("pbmc_facs_800", cell_types.BLOOD)


#: The perturbations of the three sets of perturbed cells.
INTERFERON = Perturbation("cytokine", "IFNB1", time="6 h")
PANOBINOSTAT = Perturbation("drug", "panobinostat", dose="0.2 µM")
CONTROL = Perturbation("control")


def kang_response() -> ad.AnnData:
    """Blood, control and interferon-β (two donors, five types); not among the labelled training cells."""
    cells = _read("kang_ifnb", cell_types.BLOOD)
    cells.obs["group"] = cells.obs["label"].astype(str) + ", donor " + cells.obs["donor"].astype(str)
    return _perturbed(cells, cells.obs["condition"].map({"ctrl": str(CONTROL), "stim": str(INTERFERON)}))


def glioblastoma() -> ad.AnnData:
    """Slices of glioblastoma of five patients, control and panobinostat, a panel of 300 genes."""
    cells = _read_h5ad("glioblastoma_panobinostat")
    cells.obs["group"] = cells.obs["donor"].astype(str)
    return _perturbed(cells, cells.obs["condition"].map({"ctrl": str(CONTROL), "panobinostat": str(PANOBINOSTAT)}))


def crispri() -> ad.AnnData:
    """Embryonic stem cells, five knockdowns and non-targeting guides, a panel of 1,000 genes."""
    cells = _read_h5ad("h1_crispri")
    cells.obs["group"] = "H1"
    name = cells.obs["perturbation"].astype(str)
    return _perturbed(cells, ("knockdown " + name).where(name != "non-targeting", str(CONTROL)))


def _perturbed(cells: ad.AnnData, perturbation: pd.Series) -> ad.AnnData:
    """Add ``obs["perturbation"]``; ``obs["group"]`` names cells that differ only by it."""
    cells.obs["perturbation"] = perturbation.astype(str).to_numpy()
    return cells
