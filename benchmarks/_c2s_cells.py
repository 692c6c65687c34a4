"""The cells of the benchmark of C2S-Scale's tasks: five tissues, split by donor.

Held out are a quarter of the donors of the pancreas, the blood of other studies than that of training, one of three
donors of the lung, one of three of the heart, and a third of the donors of lymph node, spleen and tonsil. All studies
measured the genes, so that no panel tells the tissue. Protocols still differ between tissues: all hearts are nuclei.
"""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import sc_duality as sd
from benchmarks._c2s_trainings import N_GENES
from benchmarks._cell_o1_cells import marker_genes
from benchmarks._held_out import shipped_pbmc3k
from recipes.embedded import cell_types, real_cells

#: Cells of a tissue in training and in the test set at most.
MAX_TRAIN, MAX_TEST = 1200, 600
#: Genes of all sentences.
N_MARKERS = 600
#: A type with fewer training cells has no label.
MIN_CELLS = 12
#: Names of the types of lymphoid organs, by the label of the others.
LYMPHOID = {
    **cell_types.SYNONYMS,
    "monocyte": "classical monocyte",
    "vascular smooth muscle cell": "mural cell",
}


class Split(NamedTuple):
    """Cells with ``obs["label"]`` (missing where unknown), ``obs["tissue"]`` and ``obs["donor"]``."""

    train: ad.AnnData
    test: ad.AnnData


def _with(cells: ad.AnnData, tissue: str, donor: str | None = None) -> ad.AnnData:
    """The cells as counts and three columns of ``obs``."""
    names = cells.obs["donor"].astype(str) if donor is None else pd.Series(donor, index=cells.obs_names)
    label = cells.obs["label"] if "label" in cells.obs else pd.Series(None, index=cells.obs_names, dtype=object)
    obs = pd.DataFrame({"label": label.astype(object), "tissue": tissue, "donor": tissue + ", donor " + names})
    return ad.AnnData(sparse.csr_matrix(cells.X, dtype=np.float32), obs, cells.var[[]].copy())


def _lymphoid() -> ad.AnnData:
    cells = real_cells.stored("lymphoid_organs")
    cells.obs["label"] = cells.obs["cell_type"].astype(str).replace(LYMPHOID)
    return _with(cells, "lymphoid organs")


def _antibody_blood() -> dict[str, ad.AnnData]:
    """Blood of two donors without types."""
    cells = real_cells.stored("pbmc_citeseq_10x")
    cells.obs = cells.obs[["donor"]].copy()
    return {str(name): _with(cells[cells.obs["donor"] == name], "blood") for name in cells.obs["donor"].unique()}


def _by_donor(cells: ad.AnnData, held_out: list[str]) -> tuple[ad.AnnData, ad.AnnData]:
    out = np.any([cells.obs["donor"].str.endswith(name).to_numpy() for name in held_out], axis=0)
    return cells[~out].copy(), cells[out].copy()


def real_split(seed: int) -> Split:
    """Training and test cells of five tissues."""
    pancreas, untyped, lymphoid = real_cells.pancreas(), _antibody_blood(), _lymphoid()
    nuclei, node = real_cells.heart()
    donors = np.unique(lymphoid.obs["donor"])
    chosen = np.random.default_rng(seed).permutation(donors)[: len(donors) // 3].tolist()
    lung = _by_donor(_with(real_cells.lung(), "lung"), ["TSP2"])
    heart = _by_donor(_with(nuclei, "heart"), ["3"])
    organs = _by_donor(lymphoid, chosen)
    train = [
        [_with(pancreas["train"], "pancreas")],
        [_with(real_cells.pbmc3k(), "blood", "pbmc3k"), untyped["pbmc_10k_v3"]],
        [lung[0]],
        [heart[0], _with(node, "heart")],
        [organs[0]],
    ]
    test = [
        [_with(pancreas["held_out_donors"], "pancreas")],
        [_with(real_cells.pbmc_facs(), "blood", "sorted cells"), untyped["pbmc_5k_v3"]],
        [lung[1]],
        [heart[1]],
        [organs[1]],
    ]
    return _joined(train, test, seed)


def quick_split(seed: int, n_test: int = 100) -> Split:
    """Shipped cells of PBMC3k, dealt to made-up donors, and a made-up tissue without T cells."""
    cells = shipped_pbmc3k()
    cells.obs["donor"] = (np.random.default_rng(seed).permutation(cells.n_obs) < n_test).astype(str)
    cells = _with(cells, "blood")
    other = ~cells.obs["label"].str.contains("T cell").to_numpy()
    cells.obs["tissue"] = np.where(other, "blood without T cells", "blood")
    train, test = _by_donor(cells, ["True"])
    return _joined([[train]], [[test]], seed)


def _joined(train: list[list[ad.AnnData]], test: list[list[ad.AnnData]], seed: int) -> Split:
    """Random cells of each tissue on the genes of all; a label has enough training cells."""
    sides = [
        ad.concat([_sampled(ad.concat(tissue), most, seed) for tissue in side], join="inner")
        for side, most in ((train, MAX_TRAIN), (test, MAX_TEST))
    ]
    cells = ad.concat(sides, index_unique="-", keys=["train", "test"])
    held_out = np.arange(cells.n_obs) >= sides[0].n_obs
    n = cells.obs["label"][~held_out].value_counts()
    enough = cells.obs["label"].isin(n.index[n >= MIN_CELLS])
    cells.obs["label"] = cells.obs["label"].where(enough, None)
    return Split(cells[~held_out].copy(), cells[held_out].copy())


def _sampled(cells: ad.AnnData, most: int, seed: int) -> ad.AnnData:
    rows = np.random.default_rng(seed).permutation(cells.n_obs)[:most]
    return cells[np.sort(rows)].copy()


def with_marker_genes(split: Split) -> tuple[Split, list[str]]:
    """The cells with sentences of marker genes of the types of training cells, and these genes."""
    typed = split.train[split.train.obs["label"].notna().to_numpy()].copy()
    typed.obs["cell_type"] = typed.obs["label"].astype(str)
    genes = marker_genes(typed, N_MARKERS)
    for cells in split:
        sd.pp.cell_sentences(cells, N_GENES, genes=genes)
    return split, genes
