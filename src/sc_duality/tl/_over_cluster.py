"""Clusters that are finer than cell types, for majority voting."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..cells import adata_keys, holds_counts, matrix, row_blocks

if TYPE_CHECKING:
    from anndata import AnnData

#: Resolution up to each number of cells, as CellTypist chooses it; beyond, the last.
_RESOLUTIONS = ((5_000, 5.0), (20_000, 10.0), (40_000, 15.0), (100_000, 20.0), (200_000, 25.0))
_LAST_RESOLUTION = 30.0
#: Graph of the neighbours where there is none: most variable genes, components and neighbours.
_N_GENES, _N_COMPONENTS, _N_NEIGHBORS = 2000, 50, 10
_GRAPH = "connectivities"


def check_clustering() -> None:
    """Refuse to cluster without igraph."""
    if find_spec("igraph") is None:
        raise ImportError(
            "over-clustering needs igraph, which is not installed: pip install igraph, or pass groupby= with an obs "
            "column of fine clusters"
        )


def default_resolution(n_cells: int) -> float:
    """Resolution of Leiden by the number of cells."""
    return next((resolution for most, resolution in _RESOLUTIONS if n_cells < most), _LAST_RESOLUTION)


def over_cluster(adata: AnnData, resolution: float, sentence_key: str, seed: int) -> pd.Series:
    """Leiden clusters of all cells; ``adata`` is not changed.

    The graph is ``obsp["connectivities"]`` if there is one, else that of scanpy's defaults on the log-normalised matrix
    of the cell sentences.
    """
    import anndata as ad
    import scanpy as sc

    cells = ad.AnnData(obs=pd.DataFrame(index=adata.obs_names))
    graph = adata.obsp[_GRAPH] if _GRAPH in adata.obsp else _neighbours(adata, sentence_key, seed)
    sc.tl.leiden(
        cells,
        resolution,
        adjacency=sparse.csr_matrix(graph),
        flavor="igraph",
        n_iterations=2,
        directed=False,
        random_state=seed % 2**31,
        key_added="cluster",
    )
    return cells.obs["cluster"].astype(str)


def _neighbours(adata: AnnData, sentence_key: str, seed: int) -> Any:
    """The graph of the nearest cells, (n_obs, n_obs)."""
    import anndata as ad
    import scanpy as sc

    params: Mapping[str, Any] = adata.uns.get(sentence_key, {}).get(adata_keys.PARAMS, {})
    X, holder = matrix(adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))
    values = sparse.vstack([rows for _, rows in row_blocks(X)], format="csr").astype(np.float32)
    cells = ad.AnnData(values)
    if (values.data >= 0).all() and holds_counts(adata, values, holder, params.get("gene_symbols")):
        sc.pp.normalize_total(cells, target_sum=1e4)
        sc.pp.log1p(cells)
    if cells.n_vars > _N_GENES:
        sc.pp.highly_variable_genes(cells, n_top_genes=_N_GENES)
        cells = cells[:, cells.var["highly_variable"]].copy()
    n = min(_N_COMPONENTS, min(cells.shape) - 1)
    sc.pp.pca(cells, n_comps=n, random_state=seed % 2**31)
    sc.pp.neighbors(cells, n_neighbors=min(_N_NEIGHBORS, cells.n_obs - 1), random_state=seed % 2**31)
    return cells.obsp[_GRAPH]
