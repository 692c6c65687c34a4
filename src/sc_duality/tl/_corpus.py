"""Cells to learn from: as they were measured, or as another laboratory might have seen them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from ..cells import adata_keys, cell_names, column, gene_columns, gene_lists, matrix, rank_rows
from ..models import ModelSpec
from ._ask import Cells, Facts, context_of, sentences_for

logger = logging.getLogger(__name__)

#: A cell that has fewer genes left is taken as it was.
_FEWEST = 25
#: Shares of cells whose counts are thinned and whose genes are dropped, lowest depth, most genes dropped, and the
#: jitter of logarithms.
_THINNED, _DROPPED = 0.7, 0.5
_DEPTH, _MOST_DROPPED, _JITTER = 0.08, 0.3, 0.25
#: Shortest sentence, as a share of the longest.
_SHORTEST = 0.3


class Corpus:
    """The cells of one AnnData as sentences in words that the model knows.

    Parameters
    ----------
    adata
        The cells; sentences are written first if there are none.
    spec
        Who is to read them.
    key
        Where the sentences lie.
    n_genes
        Genes of a sentence at most.
    context
        Columns of ``obs`` with facts that are told.
    """

    def __init__(
        self, adata: AnnData, spec: ModelSpec, *, key: str, n_genes: int | None, context: Sequence[str]
    ) -> None:
        self.adata = adata
        self.names = np.asarray(cell_names(adata), dtype=object)
        self._cells = sentences_for(adata, spec, key=key, n_genes=n_genes)
        self.n_genes = self._cells.n_genes
        self._facts: Facts = context_of(adata, context)
        self._source: tuple[Any, NDArray[np.int32], bool] | None = None

    def column(self, name: str, what: str) -> NDArray[Any]:
        """Values of an ``obs`` column as strings, ``None`` where missing."""
        if name not in self.adata.obs:
            raise KeyError(f"{what} names no obs column: {name!r}; there are {', '.join(self.adata.obs.columns)}")
        values = column(self.adata, name).astype(object)
        return np.array([None if pd.isna(value) else str(value) for value in values], dtype=object)

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Whether the model knows any gene of each cell."""
        return self._cells.readable

    def facts(self, row: int) -> dict[str, str]:
        """What is told of a cell besides its genes."""
        return self._facts.of(slice(row, row + 1))[0]

    def genes(self, rows: Sequence[int], *, beyond: int = 1) -> list[list[str]]:
        """The sentences of these cells; ``beyond`` times as long as the model reads, if there are so many genes."""
        own = self._cells
        cells = Cells(own.sentences, own.names, own.words, beyond * own.n_genes, own.readable)
        return [cells.genes(slice(row, row + 1))[0] for row in rows]

    def harder(self, rows: Sequence[int], rng: np.random.Generator) -> list[list[str]]:
        """The sentences of these cells with fewer counts, genes missing, other ranks and other lengths.

        Counts are thinned where the matrix holds integers; elsewhere genes are dropped and ranks jittered only.
        """
        X, word, counts = self._matrix()
        part = _taken(X, rows)
        owner = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
        if counts:
            depth = np.where(rng.random(len(rows)) < _THINNED, np.exp(rng.uniform(np.log(_DEPTH), 0, len(rows))), 1.0)
            part.data = rng.binomial(part.data.astype(np.int64), depth[owner]).astype(np.float64)
        dropped = np.where(rng.random(len(rows)) < _DROPPED, rng.uniform(0, _MOST_DROPPED, len(rows)), 0.0)
        part.data[rng.random(len(part.data)) < dropped[owner]] = 0
        jitter = rng.normal(0, _JITTER, len(part.data))
        part.data = part.data * np.exp(jitter) if counts else np.maximum(part.data + jitter * (part.data > 0), 0)
        ranks = np.full((len(rows), self._cells.sentences.ranks.shape[1]), adata_keys.PADDING, np.int32)
        hashes = rng.integers(2**63, size=len(rows)).astype(np.uint64)
        rank_rows(part, word, pd.util.hash_array(self._cells.names), hashes, ranks, threads=1)
        lengths = rng.integers(round(_SHORTEST * self.n_genes), self.n_genes + 1, len(rows))
        found = [
            list(dict.fromkeys(genes))[:length]  # a gene under two names counts once
            for genes, length in zip(gene_lists(ranks, self._cells.names), lengths, strict=True)
        ]
        return [
            genes if len(genes) >= _FEWEST else self.genes([row])[0] for genes, row in zip(found, rows, strict=True)
        ]

    def _matrix(self) -> tuple[Any, NDArray[np.int32], bool]:
        """The matrix behind the sentences, the known word of each column, and whether these are counts."""
        if self._source is None:
            params = self._cells.sentences.uns.get(adata_keys.PARAMS, {})
            X, holder = matrix(self.adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))
            columns = gene_columns(self._cells.sentences.genes, holder, params.get("gene_symbols"))
            word = np.full(X.shape[1], -1, np.int32)
            word[columns[columns >= 0]] = self._cells.words[:-1][columns >= 0]
            some = _taken(X, range(min(100, X.shape[0]))).data
            self._source = X, word, bool((some == np.round(some)).all())
        return self._source


def _taken(X: Any, rows: Sequence[int]) -> sparse.csr_matrix:
    """These rows of any matrix, in this order, as a canonical CSR matrix of their own."""
    chosen = np.asarray(rows)
    unique, back = np.unique(chosen, return_inverse=True)  # matrices in files want sorted rows
    part = X[unique]
    part = sparse.csr_matrix(part.compute() if hasattr(part, "compute") else part)[back].astype(np.float64)
    part.sum_duplicates()
    return part
