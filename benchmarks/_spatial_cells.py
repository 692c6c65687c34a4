"""The cells of the spatial benchmark, split into stripes with a gap of one radius.

The radius is the package's default, 3 times the median distance to the nearest cell. The regions of osmFISH's cortex
lie in layers along y, so that stripes are cut along x and have most regions; cells that its authors excluded are left
out. CosMx's tumour has no niches: ``_spatial_niches`` finds some in the training stripes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import anndata as ad
import numpy as np
from scipy import sparse

import sc_duality as sd
from benchmarks._cell_o1_cells import marker_genes
from benchmarks._spatial_niches import add_niches
from recipes.embedded import real_cells
from sc_duality.cells import spatial_graph

#: Genes of the vocabulary at most; a larger panel is cut to marker genes of the training cells.
MAX_GENES = 600
#: A niche with fewer training cells has no label.
MIN_CELLS = 12
N_STRIPES, TEST_FRACTION = 10, 0.3


class SpatialSplit(NamedTuple):
    """Cells with ``obs["niche"]`` (missing where rare), ``obs["cell_type"]``, coordinates and sentences."""

    train: ad.AnnData
    test: ad.AnnData
    genes: list[str]
    radius: float
    #: Genes of a sentence at most.
    n_genes: int
    #: LIANA's resource for the organism.
    resource: str = "consensus"


def read(name: str) -> ad.AnnData:
    """A set of real cells as counts, with types, regions and coordinates only."""
    cells = real_cells.stored(name)
    columns = [one for one in ("cell_type", "region") if one in cells.obs]
    return plain(cells, cells.obs[columns].astype(str), cells.obsm["spatial"])


def plain(cells: ad.AnnData, obs: object, coordinates: object) -> ad.AnnData:
    """Counts, these columns and coordinates."""
    found = ad.AnnData(sparse.csr_matrix(cells.X, dtype=np.float32), obs, cells.var[[]].copy())
    found.obsm["spatial"] = np.asarray(coordinates, dtype=float)
    return found


def osmfish(seed: int) -> SpatialSplit:
    """Mouse cortex, 33 genes; niches are regions."""
    cells = read("osmfish_cortex")
    cells = cells[(cells.obs["region"] != "Excluded").to_numpy()].copy()
    cells.obs["niche"] = cells.obs.pop("region")
    return split(cells, seed, n_genes=15, axis=0)._replace(resource="mouseconsensus")


def cosmx(seed: int) -> SpatialSplit:
    """A section of a human lung tumour, 960 genes; niches by composition."""
    cells = read("cosmx_lung_tumour")
    cells.var_names = cells.var_names.str.replace("HLA.", "HLA-", regex=False)
    return split(cells, seed, n_genes=25, n_niches=6)


def quick(seed: int) -> SpatialSplit:
    """Shipped cells of PBMC3k with made coordinates: T cells below, others above."""
    cells, rng = sd.datasets.pbmc3k(), np.random.default_rng(seed)
    above = ~cells.obs["cell_type"].str.contains("T cells").to_numpy()
    coordinates = np.column_stack([rng.uniform(0, 100, cells.n_obs), rng.uniform(0, 25, cells.n_obs) + 20 * above])
    made = plain(cells, cells.obs[["cell_type"]].astype(str), coordinates)
    return split(made, seed, n_genes=12, n_niches=3, axis=0, max_genes=100)


def split(
    cells: ad.AnnData,
    seed: int,
    *,
    n_genes: int,
    n_niches: int | None = None,
    axis: int | None = None,
    max_genes: int = MAX_GENES,
) -> SpatialSplit:
    """Training and test stripes with sentences of ``n_genes`` genes; niches by composition where ``n_niches`` is."""
    radius = spatial_graph(cells).radius
    assert radius is not None
    sd.pp.spatial_split(cells, radius, n_stripes=N_STRIPES, test_fraction=TEST_FRACTION, axis=axis, rng=seed)
    train, test = (cells[(cells.obs["split"] == side).to_numpy()].copy() for side in ("train", "test"))
    if n_niches is not None:
        add_niches(train, test, radius, n_niches, seed)
    counts = train.obs["niche"].value_counts()
    for side in (train, test):
        side.obs["niche"] = side.obs["niche"].astype(object).where(side.obs["niche"].map(counts) >= MIN_CELLS, None)
    genes = train.var_names.tolist()
    if len(genes) > max_genes:
        genes = marker_genes(_one_tissue(train), max_genes)
    for side in (train, test):
        sd.pp.cell_sentences(side, n_genes, genes=genes)
    return SpatialSplit(train, test, genes, radius, n_genes)


def _one_tissue(cells: ad.AnnData) -> ad.AnnData:
    found = cells.copy()
    found.obs["tissue"] = "all"
    return found


#: The sets by name.
SETS: dict[str, Callable[[int], SpatialSplit]] = {"osmfish_cortex": osmfish, "cosmx_lung_tumour": cosmx}
