"""Augmentation: sentences of cells with fewer counts, missing genes, other ranks and other lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from ..cells import Sentences, adata_keys, gene_columns, gene_lists, matrix, rank_rows, row_blocks
from ._other_study import OtherStudy
from ._study_shifts import StudyCells, StudyShifts

#: Fewest genes of an augmented cell.
_MIN_GENES = 25
#: Shares of cells whose counts are thinned and whose genes are dropped.
_P_THINNED, _P_DROPPED = 0.7, 0.5
#: Smallest fraction of counts kept, largest fraction of genes dropped, and the jitter of log expression.
_MIN_DEPTH, _MAX_DROPPED, _JITTER = 0.08, 0.3, 0.25
#: Shortest sentence, as a fraction of the longest.
_MIN_LENGTH = 0.3


class Augmenter:
    """Draws augmented sentences from the matrix that the sentences were ranked from.

    Counts are thinned where the matrix holds integers; elsewhere genes are dropped and ranks jittered only.

    Parameters
    ----------
    adata
        The cells.
    sentences
        Their sentences.
    codes
        Index among ``gene_names`` of each gene of the sentences, −1 for unknown genes; one more for padding.
    gene_names
        Genes that the model knows.
    n_genes
        Genes of a sentence at most.
    """

    def __init__(
        self,
        adata: AnnData,
        sentences: Sentences,
        codes: NDArray[np.int32],
        gene_names: NDArray[np.object_],
        n_genes: int,
    ) -> None:
        params = sentences.uns.get(adata_keys.PARAMS, {})
        self._X, holder = matrix(adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))
        columns = gene_columns(sentences.genes, holder, params.get("gene_symbols"))
        self._column_code = np.full(self._X.shape[1], -1, np.int32)
        self._column_code[columns[columns >= 0]] = codes[:-1][columns >= 0]
        first = _rows(self._X, range(min(100, self._X.shape[0]))).data
        self._is_counts = bool((first == np.round(first)).all())
        self._gene_names, self._n_genes, self._width = gene_names, n_genes, sentences.ranks.shape[1]
        self._other_study: OtherStudy | None = None

    def study(self, types: NDArray[Any], training: NDArray[np.bool_]) -> StudyCells | None:
        """The counts of all cells over the genes that the model knows; ``None`` where there are no raw counts."""
        if not self._is_counts:
            return None
        known = np.flatnonzero(self._column_code >= 0)
        blocks = [block[:, known] for _, block in row_blocks(self._X)]
        return StudyCells(
            sparse.vstack(blocks, format="csr"), self._gene_names[self._column_code[known]], types, training
        )

    def measure_as(self, shifts: StudyShifts, index: int, cells: StudyCells) -> None:
        """Draw cells from now on as other studies of ``shifts`` might have measured them too."""
        self._other_study = OtherStudy(shifts, index, cells)

    def counts(self, rows: Sequence[int], rng: np.random.Generator) -> tuple[sparse.csr_matrix, NDArray[np.int32]]:
        """What augmented sentences of these cells are ranked from: fewer counts, and genes missing.

        Returns the counts, (n_cells, n_columns), and the code of the gene of each column.
        """
        part = _rows(self._X, rows)
        codes = self._column_code
        if self._other_study is not None:
            known = np.flatnonzero(codes >= 0)
            part, codes = self._other_study.draw(part[:, known], np.asarray(rows), rng), codes[known]
        cell = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
        if self._is_counts:
            thinned = rng.random(len(rows)) < _P_THINNED
            depth = np.where(thinned, np.exp(rng.uniform(np.log(_MIN_DEPTH), 0, len(rows))), 1.0)
            part.data = rng.binomial(part.data.astype(np.int64), depth[cell]).astype(np.float64)
        dropped = np.where(rng.random(len(rows)) < _P_DROPPED, rng.uniform(0, _MAX_DROPPED, len(rows)), 0.0)
        part.data[rng.random(len(part.data)) < dropped[cell]] = 0
        return part, codes

    def augment(self, rows: Sequence[int], rng: np.random.Generator) -> list[list[str] | None]:
        """Augmented sentences, ``None`` for a cell with too few genes left."""
        part, codes = self.counts(rows, rng)
        jitter = rng.normal(0, _JITTER, len(part.data))
        if self._is_counts:
            part.data = part.data * np.exp(jitter)
        else:
            part.data = np.maximum(part.data + jitter * (part.data > 0), 0)
        ranks = np.full((len(rows), self._width), adata_keys.PADDING, np.int32)
        hashes = rng.integers(2**63, size=len(rows)).astype(np.uint64)
        rank_rows(part, codes, pd.util.hash_array(self._gene_names), hashes, ranks, threads=1)
        lengths = rng.integers(round(_MIN_LENGTH * self._n_genes), self._n_genes + 1, len(rows))
        found = [
            list(dict.fromkeys(genes))[:length]  # a gene with two symbols counts once
            for genes, length in zip(gene_lists(ranks, self._gene_names), lengths, strict=True)
        ]
        return [genes if len(genes) >= _MIN_GENES else None for genes in found]


def _rows(X: Any, rows: Sequence[int]) -> sparse.csr_matrix:
    """These rows of any matrix, in this order, as a canonical CSR matrix of their own."""
    unique, inverse = np.unique(np.asarray(rows), return_inverse=True)  # matrices in files need sorted rows
    part = sparse.vstack([block for _, block in row_blocks(X[unique])], format="csr")[inverse].astype(np.float64)
    part.sum_duplicates()
    return part
