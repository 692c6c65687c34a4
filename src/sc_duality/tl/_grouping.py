"""Groups of cells that are embedded: as pseudobulks, or by the mean of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells import adata_keys, pseudobulk, store_sentences
from ..examples import CellGroups, ModelCells

#: How the cells of a group become a vector.
GROUPING = ("pseudobulk", "mean")


class Grouping:
    """The groups of cells, and what the model reads of them.

    Parameters
    ----------
    cells
        The cells as the model reads them.
    groupby
        ``obs`` column of the groups, or several.
    grouping
        One of ``GROUPING``.
    """

    def __init__(self, cells: ModelCells, groupby: str | Sequence[str], grouping: str) -> None:
        groups = CellGroups(cells, groupby, n_cells=1)
        self.columns = groups.columns
        self.names = list(groups.rows)
        self._rows = list(groups.rows.values())
        self._values = {name: cells.column(name, "groupby") for name in self.columns}
        self._mean = grouping == "mean"
        #: What is embedded: the cells, or one pseudobulk a group.
        self.cells = cells if self._mean else _bulks(cells, groups.unit_of_cell, self.names)

    def result(self, vectors: NDArray[np.float32]) -> dict[str, Any]:
        """The table of the groups, and their vectors."""
        first = [rows[0] for rows in self._rows]
        columns = {name: values[first].astype(str) for name, values in self._values.items()}
        table = pd.DataFrame(columns, index=pd.Index(self.names, dtype=str))
        table["n_cells"] = [len(rows) for rows in self._rows]
        if self._mean:
            read = [rows[~np.isnan(vectors[rows, 0])] for rows in self._rows]
            none = np.full(vectors.shape[1], np.nan)
            vectors = np.array([vectors[rows].mean(0) if len(rows) else none for rows in read], dtype=np.float32)
        return {adata_keys.GROUPS: table, adata_keys.VECTORS: vectors}


def _bulks(cells: ModelCells, unit_of_cell: NDArray[np.int64], names: Sequence[str]) -> ModelCells:
    """One pseudobulk a group, as the model reads it."""
    bulk, sentences = pseudobulk(cells.adata, unit_of_cell, names, cells.sentences)
    store_sentences(bulk, adata_keys.SENTENCE, sentences.ranks, sentences.genes, sentences.params)
    return ModelCells(bulk, cells.spec, n_genes=cells.n_genes)
