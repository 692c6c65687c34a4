"""Recognise matrices that were scaled gene by gene, which destroys the order of genes within a cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ._row_blocks import row_blocks

#: Rows of the first look; rows and stored values of a sample at most, and the slices that it is read in.
_FIRST_ROWS, _SAMPLE_ROWS, _SAMPLE_VALUES, _SLICES = 20, 2000, 2**22, 20
#: Fewer cells than this say little about the variance of a gene.
_MIN_CELLS = 50
#: Statistics are of genes that at least this share of the cells express, and of at least this many genes.
_MIN_EXPRESSED, _MIN_GENES = 0.1, 20
#: Largest interquartile range and largest median, without its sign, of the log variance of genes of variance 1. In
#: samples of scaled cells they are up to 0.19 and 0.02; a matrix that is not scaled is above one of them.
_MAX_SPREAD, _MAX_CENTRE, _EXACT = 0.2, 0.05, 0.02
#: Cells whose values are compared gene by gene, and share of distinct values below which cells share those of a gene.
_TIE_ROWS, _TIED = 200, 0.5
#: In cells with fewer expressed genes than this, one gene may be all of a cell.
_MIN_PER_CELL = 20
#: Share of genes whose maximum is that of the matrix: above the first, all rows are read; above the second, this was
#: done to each gene.
_SUSPICIOUS, _SAME_MAXIMUM = 0.02, 0.5


class ScaledGenes(NamedTuple):
    """What was done to every gene of a matrix, and whether nothing else explains the values."""

    how: str
    certain: bool


def scaled_genes(X: Any) -> ScaledGenes | None:
    """How each gene of a matrix of non-negative values was scaled, None for a matrix that was not.

    Counts, normalised counts and their logarithms have very different variances and maxima from gene to gene. A sample
    of rows is read, unless the first rows look like counts, or like values that were made of counts cell by cell.
    """
    if X.shape[0] < _MIN_CELLS:
        return None
    first = _rows(X, 0, _FIRST_ROWS)
    if _made_of_counts(first):
        return None
    sample = _moments(_sample(X, first.nnz // _FIRST_ROWS), X.shape[1])
    variances = sample.variances()
    if len(variances) >= _MIN_GENES:
        logs = np.log(variances)
        low, centre, high = np.quantile(logs, [0.25, 0.5, 0.75])
        exact = sample.n < X.shape[0] or (abs(logs) < _EXACT).mean() > 0.5  # of all rows, the variance is 1
        if exact and high - low < _MAX_SPREAD and abs(centre) < _MAX_CENTRE:
            return ScaledGenes("variance 1", certain=sample.n >= X.shape[0] or high - low < _MAX_SPREAD / 2)
    if sample.n_at_maximum() < _SUSPICIOUS * len(sample.maximum):
        in_genes_only = not _tied_within_cells(first) and _tied_within_genes(X)
        return ScaledGenes("the same few values in many cells, unlike other genes", False) if in_genes_only else None
    every = _moments((rows for _, rows in row_blocks(X)), X.shape[1])
    n_same = every.n_at_maximum()
    if n_same < max(_MIN_GENES, _SAME_MAXIMUM * (every.maximum > 0).sum()):
        return None
    # after division by the maximum of each cell, every cell has that maximum too, in one gene unless there are ties
    divided_by_cell = every.n_rows_at_maximum() == every.n_expressed and (
        _tied_within_cells(first) or n_same <= every.n_expressed
    )
    shallow = every.n_positive.sum() < _MIN_PER_CELL * every.n_expressed
    return ScaledGenes(f"the maximum {every.maximum.max():g}", certain=not divided_by_cell and not shallow)


def has_negative(X: Any) -> bool:
    """Whether the first rows hold negative values, as those of scaled matrices and residuals do."""
    return bool((_rows(X, 0, _FIRST_ROWS).data < 0).any())


def expressed_values(X: Any) -> tuple[bool, float]:
    """Whether the values are whole numbers, and how many of a cell are not 0, in a sample of rows."""
    values = [rows.data for rows in _sample(X, _rows(X, 0, _FIRST_ROWS).nnz // _FIRST_ROWS)]
    return all(np.array_equal(one, np.floor(one)) for one in values), sum(map(len, values))


def derived_from_counts(X: Any) -> bool:
    """Whether the first rows look like counts, or like values that were made of counts cell by cell."""
    return _made_of_counts(_rows(X, 0, _FIRST_ROWS))


class _Moments(NamedTuple):
    """Sums over rows: of each gene the positive values, their sum, sum of squares and maximum; the maximum of rows."""

    n: int
    n_positive: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    maximum: np.ndarray
    row_maximum: np.ndarray

    @property
    def n_expressed(self) -> int:
        """Rows that are not all 0."""
        return int((self.row_maximum > 0).sum())

    def variances(self) -> np.ndarray:
        """The variance of every gene that enough cells express, if it is not 0."""
        with np.errstate(invalid="ignore"):  # infinite values, which cannot be ranked anyway
            variance = (self.squares - self.total**2 / self.n) / (self.n - 1)
        return variance[(self.n_positive >= _MIN_EXPRESSED * self.n) & (variance > 0)]

    def n_at_maximum(self) -> int:
        """Number of genes with the maximum of the matrix."""
        return int(np.isclose(self.maximum, self.maximum.max(), rtol=1e-5).sum())

    def n_rows_at_maximum(self) -> int:
        """Number of rows with the maximum of the matrix."""
        return int(np.isclose(self.row_maximum, self.maximum.max(), rtol=1e-5).sum())


def _made_of_counts(rows: sparse.csr_matrix) -> bool:
    """Whether the values are whole, or tied and not limited to 1; also if they cannot be ranked anyway."""
    if not rows.nnz or not (rows.data > 0).all() or np.array_equal(rows.data, np.floor(rows.data)):
        return True
    return bool(rows.data.max() > 1 and _tied_within_cells(rows))


def _tied_within_cells(rows: sparse.csr_matrix) -> bool:
    """Whether most genes of a cell share their values with others, as in anything made of counts cell by cell."""
    n_distinct = sum(len(np.unique(rows.data[i:j])) for i, j in zip(rows.indptr[:-1], rows.indptr[1:], strict=True))
    return n_distinct < 0.5 * rows.nnz


def _tied_within_genes(X: Any) -> bool:
    """Whether most values of a gene occur in several cells, as those of counts divided by a factor of the gene."""
    columns = sparse.vstack(list(_sample(X, _SAMPLE_VALUES // _TIE_ROWS)), format="csc")
    columns.eliminate_zeros()
    sizes = np.diff(columns.indptr)
    kept = np.flatnonzero(sizes >= _MIN_EXPRESSED * columns.shape[0])
    if len(kept) < _MIN_GENES:
        return False
    bounds = zip(columns.indptr[kept], columns.indptr[kept + 1], strict=True)
    n_distinct = sum(len(np.unique(columns.data[start:stop])) for start, stop in bounds)
    return bool(n_distinct < _TIED * sizes[kept].sum())


def _rows(X: Any, start: int, stop: int) -> sparse.csr_matrix:
    """These rows without stored zeros."""
    rows = sparse.vstack([rows for _, rows in row_blocks(X[start:stop])], format="csr")
    rows.eliminate_zeros()
    return rows


def _sample(X: Any, values_per_row: int) -> Iterator[sparse.csr_matrix]:
    """Slices of rows from the whole matrix; fewer rows if they hold many values."""
    n = min(X.shape[0], max(_MIN_CELLS, min(_SAMPLE_ROWS, _SAMPLE_VALUES // max(1, values_per_row))))
    size = -(-n // _SLICES)
    if X.shape[0] < _MIN_CELLS:
        yield _rows(X, 0, X.shape[0])
        return
    for start in range(0, X.shape[0] - size + 1, max(size, (X.shape[0] - size) // (_SLICES - 1))):
        yield _rows(X, start, start + size)


def _moments(blocks: Iterable[sparse.csr_matrix], n_columns: int) -> _Moments:
    n, sums, maximum, row_maximum = 0, np.zeros((3, n_columns)), np.zeros(n_columns), [np.zeros(0)]
    for rows in blocks:
        values = rows.data.astype(float)
        n += rows.shape[0]
        for moment, weights in zip(sums, (values > 0, values, values * values), strict=True):
            moment += np.bincount(rows.indices, weights, n_columns)
        np.maximum.at(maximum, rows.indices, values)
        starts = rows.indptr[:-1][np.diff(rows.indptr) > 0]
        row_maximum.append(np.maximum.reduceat(values, starts) if len(starts) else np.zeros(0))
    n_positive, total, squares = sums
    return _Moments(n, n_positive, total, squares, maximum, np.concatenate(row_maximum))
