"""Genes of the vocabulary that were not measured: columns of zeros, as an outer join or a padded panel has."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from ._adata import matrix
from ._gene_filter import gene_columns
from ._row_blocks import row_blocks
from ._storage import Sentences

#: Rows that are read at most, in as many runs.
_MAX_ROWS, _N_RUNS = 2048, 16


def expressed_genes(adata: AnnData, sentences: Sentences) -> np.ndarray | None:
    """Whether each gene of the vocabulary is expressed in a sample of the cells; ``None`` if their matrix is gone."""
    params = sentences.params
    try:
        X, holder = matrix(adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))
        columns = gene_columns(sentences.genes, holder, params.get("gene_symbols"))
    except (KeyError, ValueError):
        return None
    if (columns < 0).any():
        return None
    expressed = np.zeros(X.shape[1], bool)
    for start, stop in _runs(X.shape[0]):
        for _, rows in row_blocks(X[start:stop]):
            expressed[rows.indices[rows.data != 0]] = True
    return expressed[columns]


def _runs(n_rows: int) -> list[tuple[int, int]]:
    """Bounds of runs of rows, evenly over the matrix; all rows if they are few."""
    if n_rows <= _MAX_ROWS:
        return [(0, n_rows)]
    length = _MAX_ROWS // _N_RUNS
    return [(start, start + length) for start in np.linspace(0, n_rows - length, _N_RUNS).astype(int).tolist()]
