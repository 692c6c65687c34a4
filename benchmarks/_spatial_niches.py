"""Niches of cells whose data name none: neighbourhoods of similar composition.

The rule: the composition of a cell is the share of each cell type among the cell and its neighbours within the radius,
of its own side of the split. K-means on the compositions of the training cells finds the niches, and a test cell is of
the niche with the nearest centre. Types therefore define these niches: a classifier that reads true types has an
advantage that no model of genes has.
"""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sc_duality.cells import spatial_graph


def one_hot(cells: ad.AnnData, types: list[str]) -> NDArray[np.float64]:
    """Whether each cell is of each type, (n_obs, n_types)."""
    named = cells.obs["cell_type"].to_numpy(str)
    return np.asarray(named[:, None] == np.array(types)[None, :], dtype=float)


def compositions(cells: ad.AnnData, types: list[str], radius: float) -> NDArray[np.float64]:
    """Share of each type among a cell and its neighbours, (n_obs, n_types)."""
    graph, kinds = spatial_graph(cells, radius), one_hot(cells, types)
    return np.array([kinds[[row, *graph.neighbours(row)]].mean(0) for row in range(cells.n_obs)])


def add_niches(train: ad.AnnData, test: ad.AnnData, radius: float, n_niches: int, seed: int) -> None:
    """Write ``obs["niche"]`` by the rule of this module; niches are numbered by size, the largest first."""
    from sklearn.cluster import KMeans

    types = sorted(set(train.obs["cell_type"].astype(str)))
    fitted = KMeans(n_niches, n_init=10, random_state=seed).fit(compositions(train, types, radius))
    order = pd.Series(fitted.labels_).value_counts().index.tolist()
    for cells in (train, test):
        found = fitted.predict(compositions(cells, types, radius))
        cells.obs["niche"] = [f"niche {order.index(one) + 1}" for one in found.tolist()]
