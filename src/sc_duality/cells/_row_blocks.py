"""Read any matrix that an AnnData can hold in blocks of rows."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from anndata.abc import CSCDataset, CSRDataset
from scipy import sparse
from tqdm.auto import tqdm

from .._settings import settings

logger = logging.getLogger(__name__)

#: Values in a block: 64 MB of float64.
BLOCK_VALUES = 2**23
#: Rows whose results dask returns at once; more on a cluster with many threads.
DASK_ROWS = 2**16

T = TypeVar("T")


def row_blocks(X: Any, progress: str | None = None) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Row blocks of any matrix that an AnnData can hold, as canonical CSR, each with the index of its first row.

    Blocks of a CSR matrix in memory share its arrays; every other kind of matrix is read one block at a time, so
    memory does not grow with the number of rows. Blocks of a dense matrix store its zeros. The masked values of a
    masked array were not measured and are 0. Do not write to a block.
    ``progress`` is the title of a progress bar; without it there is none.
    """
    X = load_csc(X)
    bounds = row_bounds(X)
    return zip((start for start, _ in bounds), _read_ahead(X, _with_progress_bar(bounds, progress)), strict=True)


def map_rows(
    X: Any, function: Callable[..., T], *arrays: np.ndarray, progress: str | None = None
) -> Iterator[tuple[slice, T]]:
    """Apply ``function`` to every row block and the same rows of ``arrays``; the rows and the result, block by block.

    For a dask array, dask calls the function on its threads or its cluster, one chunk of rows at a time, and returns
    only the results.
    """
    if hasattr(X, "dask"):
        yield from _map_on_dask(X, function, arrays, progress)
        return
    for start, rows in row_blocks(X, progress):
        part = slice(start, start + rows.shape[0])
        yield part, function(rows, *(array[part] for array in arrays))


def row_bounds(X: Any) -> list[tuple[int, int]]:
    """First and last (exclusive) row of every block of :func:`row_blocks`."""
    n_rows, n_columns = X.shape
    n_values = n_rows * n_columns
    if sparse.issparse(X) or isinstance(X, CSRDataset):
        n_values = X.nnz if sparse.issparse(X) else X.group["data"].shape[0]
    size = max(1, BLOCK_VALUES // max(1, n_values // n_rows))
    if getattr(X, "format", "csr") != "csr":
        size = max(size, -(-n_rows // 16))  # every row slice of a CSC matrix reads all of it
    if not hasattr(X, "dask"):
        return [(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
    return _merge_chunks(X.chunks[0], size)  # never split a chunk: each part would compute all of it


def _map_on_dask(
    X: Any, function: Callable[..., T], arrays: Sequence[np.ndarray], progress: str | None
) -> Iterator[tuple[slice, T]]:
    from dask.base import compute
    from dask.delayed import delayed

    delayed_function = delayed(function)  # sent once, not with every chunk

    @delayed(pure=False)
    def apply(function: Callable[..., T], chunk: Any, *parts: np.ndarray) -> T:
        return function(_canonical_csr(chunk), *parts)

    for start, stop in _with_progress_bar(_dask_bounds(X), progress):
        rows = X[start:stop]
        if len(X.chunks[1]) > 1:
            rows = rows.rechunk({0: max(1, BLOCK_VALUES // X.shape[1]), 1: -1})
        ends = start + np.cumsum(rows.chunks[0])
        parts = [slice(end - size, end) for size, end in zip(rows.chunks[0], ends, strict=True)]
        chunks = rows.to_delayed().ravel()
        results = [
            apply(delayed_function, chunk, *(array[part] for array in arrays))
            for chunk, part in zip(chunks, parts, strict=True)
        ]
        yield from zip(parts, compute(*results), strict=True)


def _dask_bounds(X: Any) -> list[tuple[int, int]]:
    """Bounds of rows whose results dask returns at once: whole chunks, unless the columns are in chunks too."""
    if len(X.chunks[1]) > 1:
        return [(start, min(start + DASK_ROWS, X.shape[0])) for start in range(0, X.shape[0], DASK_ROWS)]
    return _merge_chunks(X.chunks[0], max(DASK_ROWS, 4 * _cluster_threads() * max(X.chunks[0])))


def _cluster_threads() -> int:
    """Number of threads of the dask cluster, 0 without a cluster."""
    if "distributed" not in sys.modules:
        return 0
    from distributed import get_client

    try:
        return sum(get_client().nthreads().values())
    except ValueError:
        return 0


def _merge_chunks(chunks: Sequence[int], size: int) -> list[tuple[int, int]]:
    """Bounds of runs of whole chunks with at most ``size`` rows, or of one larger chunk."""
    bounds = [(0, 0)]
    for chunk in chunks:
        start, stop = bounds[-1]
        if stop > start and stop - start + chunk > size:
            bounds.append((stop, stop + chunk))
        else:
            bounds[-1] = (start, stop + chunk)
    return bounds


def _with_progress_bar(bounds: list[tuple[int, int]], progress: str | None) -> Iterator[tuple[int, int]]:
    hidden = progress is None or not settings.progress or len(bounds) == 1
    return iter(tqdm(bounds, progress, unit="block", disable=hidden, leave=False))


def load_csc(X: Any) -> Any:
    """``X``, in memory if it is a CSC matrix in a file, where every row is scattered over the whole file."""
    if not isinstance(X, CSCDataset):
        return X
    logger.warning("the matrix is stored by columns (CSC) and is loaded into memory: CSR is read in blocks")
    return X.to_memory()


def _read_ahead(X: Any, bounds: Iterator[tuple[int, int]]) -> Iterator[sparse.csr_matrix]:
    """The rows between these bounds; a file is read one block ahead of the caller."""
    if sparse.issparse(X) or isinstance(X, np.ndarray):
        shared = sparse.issparse(X) and X.format == "csr"
        # if the two index types differ, this check of scipy would copy all indices: check each block instead
        canonical = shared and X.indices.dtype == X.indptr.dtype and X.has_canonical_format
        for start, stop in bounds:
            yield _canonical_csr(_csr_view(X, start, stop, canonical) if shared else X[start:stop])
        return
    with ThreadPoolExecutor(1) as pool:
        next_rows = None
        for start, stop in bounds:
            rows, next_rows = next_rows, pool.submit(lambda part: _canonical_csr(X[part]), slice(start, stop))
            if rows is not None:
                yield rows.result()
        if next_rows is not None:
            yield next_rows.result()


def _csr_view(X: sparse.csr_matrix, start: int, stop: int, canonical: bool) -> sparse.csr_matrix:
    """Rows of a CSR matrix that share its arrays."""
    indptr = X.indptr[start : stop + 1]
    part = slice(indptr[0], indptr[-1])
    rows = _csr(X.data[part], X.indices[part], indptr - indptr[0], X.shape[1])
    if canonical:
        rows.has_canonical_format = True
    return rows


def _canonical_csr(block: Any) -> sparse.csr_matrix:
    """A part of a matrix as canonical CSR, without a copy if it is canonical CSR already; masked values are 0."""
    if hasattr(block, "compute"):
        block = block.compute()
    if np.ma.isMaskedArray(block):
        block = block.filled(0)
    if sparse.issparse(block):
        rows = block.tocsr()
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        rows = _csr(_with_native_dtype(rows.data), rows.indices, rows.indptr, rows.shape[1])
    else:
        values = _with_native_dtype(np.ascontiguousarray(block))
        n_rows, n_columns = values.shape
        indices = np.tile(np.arange(n_columns, dtype=np.int32), n_rows)
        rows = _csr(values.ravel(), indices, np.arange(n_rows + 1) * n_columns, n_columns)
    rows.has_canonical_format = True
    return rows


def _csr(data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, n_columns: int) -> sparse.csr_matrix:
    """The CSR matrix of these arrays, without the checks of scipy's constructor, which read all indices."""
    rows = sparse.csr_matrix((len(indptr) - 1, n_columns), dtype=data.dtype)
    fits = indptr[-1] <= np.iinfo(indices.dtype).max  # one index type, though files may have two
    rows.data, rows.indices, rows.indptr = data, indices, indptr.astype(indices.dtype, copy=False) if fits else indptr
    return rows


def _with_native_dtype(values: np.ndarray) -> np.ndarray:
    """The values in a dtype that scipy.sparse and numba support."""
    dtype = {"b1": "u1", "f2": "f4"}.get(values.dtype.str[1:], values.dtype.newbyteorder("="))
    return values.astype(dtype, copy=False)
