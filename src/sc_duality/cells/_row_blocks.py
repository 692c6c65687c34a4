"""Any matrix that an AnnData can hold, as blocks of rows."""

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
#: Rows whose results are held at once while dask works; more where a cluster has room for them.
DASK_ROWS = 2**16

T = TypeVar("T")


def row_blocks(X: Any, progress: str | None = None) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Row blocks of any matrix that an AnnData can hold, as canonical CSR, each with the index of its first row.

    Blocks of a CSR matrix in memory share its arrays; every other kind of matrix is read one block at a time, so
    memory does not grow with the number of rows. Blocks of a dense matrix store its zeros. Do not write to a block.
    ``progress`` is what a bar over the blocks is called, if there is to be one.
    """
    X = _loaded_if_by_columns(X)
    bounds = row_bounds(X)
    return zip((start for start, _ in bounds), _ahead(X, _with_bar(bounds, progress)), strict=True)


def map_rows(
    X: Any, work: Callable[..., T], *beside: np.ndarray, progress: str | None = None
) -> Iterator[tuple[slice, T]]:
    """What ``work`` finds in every row block, given the block and the same rows of the arrays ``beside``.

    A dask array is worked on where dask computes, be it threads or a cluster, one chunk of rows at a time, and only
    what was found comes back.
    """
    if hasattr(X, "dask"):
        yield from _on_dask(X, work, beside, progress)
        return
    for start, rows in row_blocks(X, progress):
        part = slice(start, start + rows.shape[0])
        yield part, work(rows, *(array[part] for array in beside))


def row_bounds(X: Any) -> list[tuple[int, int]]:
    """First and last (exclusive) row of every block of :func:`row_blocks`."""
    n_rows, n_columns = X.shape
    n_values = n_rows * n_columns
    if sparse.issparse(X) or isinstance(X, CSRDataset):
        n_values = X.nnz if sparse.issparse(X) else X.group["data"].shape[0]
    size = max(1, BLOCK_VALUES // max(1, n_values // n_rows))
    if getattr(X, "format", "csr") != "csr":
        size = max(size, -(-n_rows // 16))  # every row slice of a CSC matrix walks through all of it
    if not hasattr(X, "dask"):
        return [(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
    return _joined(X.chunks[0], size)  # a chunk is never split, as each part would compute all of it


def _on_dask(
    X: Any, work: Callable[..., T], beside: Sequence[np.ndarray], progress: str | None
) -> Iterator[tuple[slice, T]]:
    from dask.base import compute
    from dask.delayed import delayed

    shared = delayed(work)  # sent once, not with every chunk

    @delayed(pure=False)
    def found(work: Callable[..., T], chunk: Any, *parts: np.ndarray) -> T:
        return work(_own_rows(chunk), *parts)

    for start, stop in _with_bar(_windows(X), progress):
        rows = X[start:stop]
        if len(X.chunks[1]) > 1:
            rows = rows.rechunk({0: max(1, BLOCK_VALUES // X.shape[1]), 1: -1})
        ends = start + np.cumsum(rows.chunks[0])
        parts = [slice(end - size, end) for size, end in zip(rows.chunks[0], ends, strict=True)]
        chunks = rows.to_delayed().ravel()
        tasks = [
            found(shared, chunk, *(array[part] for array in beside)) for chunk, part in zip(chunks, parts, strict=True)
        ]
        yield from zip(parts, compute(*tasks), strict=True)


def _windows(X: Any) -> list[tuple[int, int]]:
    """Bounds of rows whose results are held at once: whole chunks, or where columns are in chunks too, any rows."""
    if len(X.chunks[1]) > 1:
        return [(start, min(start + DASK_ROWS, X.shape[0])) for start in range(0, X.shape[0], DASK_ROWS)]
    return _joined(X.chunks[0], max(DASK_ROWS, 4 * _cluster_threads() * max(X.chunks[0])))


def _cluster_threads() -> int:
    """Threads of the dask cluster that computes, 0 where there is none."""
    if "distributed" not in sys.modules:
        return 0
    from distributed import get_client

    try:
        return sum(get_client().nthreads().values())
    except ValueError:
        return 0


def _joined(chunks: Sequence[int], size: int) -> list[tuple[int, int]]:
    """Bounds of runs of whole chunks with at most ``size`` rows, where no chunk alone has more."""
    bounds = [(0, 0)]
    for chunk in chunks:
        start, stop = bounds[-1]
        if stop > start and stop - start + chunk > size:
            bounds.append((stop, stop + chunk))
        else:
            bounds[-1] = (start, stop + chunk)
    return bounds


def _with_bar(bounds: list[tuple[int, int]], progress: str | None) -> Iterator[tuple[int, int]]:
    hidden = progress is None or not settings.progress or len(bounds) == 1
    return iter(tqdm(bounds, progress, unit="block", disable=hidden, leave=False))


def _loaded_if_by_columns(X: Any) -> Any:
    """``X``, or its copy in memory where its rows lie scattered over a whole file."""
    if not isinstance(X, CSCDataset):
        return X
    logger.warning("the matrix is stored by columns (CSC) and is read as a whole: CSR is read by blocks")
    return X.to_memory()


def _ahead(X: Any, bounds: Iterator[tuple[int, int]]) -> Iterator[sparse.csr_matrix]:
    """The rows between these bounds; those of a file are read while the caller works on the rows before."""
    if sparse.issparse(X) or isinstance(X, np.ndarray):
        shared = sparse.issparse(X) and X.format == "csr"
        # scipy copies indices of two types to one before it looks at them: in blocks then
        canonical = shared and X.indices.dtype == X.indptr.dtype and X.has_canonical_format
        for start, stop in bounds:
            yield _own_rows(_shared_rows(X, start, stop, canonical) if shared else X[start:stop])
        return
    with ThreadPoolExecutor(1) as pool:
        coming = None
        for start, stop in bounds:
            before, coming = coming, pool.submit(lambda part: _own_rows(X[part]), slice(start, stop))
            if before is not None:
                yield before.result()
        if coming is not None:
            yield coming.result()


def _shared_rows(X: sparse.csr_matrix, start: int, stop: int, canonical: bool) -> sparse.csr_matrix:
    indptr = X.indptr[start : stop + 1]
    part = slice(indptr[0], indptr[-1])
    rows = _csr(X.data[part], X.indices[part], indptr - indptr[0], X.shape[1])
    if canonical:
        rows.has_canonical_format = True
    return rows


def _own_rows(block: Any) -> sparse.csr_matrix:
    """A part of a matrix as canonical CSR, which shares its arrays where it is that already."""
    if hasattr(block, "compute"):
        block = block.compute()
    if sparse.issparse(block):
        rows = block.tocsr()
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        rows = _csr(_native(rows.data), rows.indices, rows.indptr, rows.shape[1])
    else:
        values = _native(np.ascontiguousarray(block))
        n_rows, n_columns = values.shape
        indices = np.tile(np.arange(n_columns, dtype=np.int32), n_rows)
        rows = _csr(values.ravel(), indices, np.arange(n_rows + 1) * n_columns, n_columns)
    rows.has_canonical_format = True
    return rows


def _csr(data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, n_columns: int) -> sparse.csr_matrix:
    """The CSR matrix of these arrays, without the walk through them by which scipy's constructor checks them."""
    rows = sparse.csr_matrix((len(indptr) - 1, n_columns), dtype=data.dtype)
    fits = indptr[-1] <= np.iinfo(indices.dtype).max  # one type for both, as files may have two
    rows.data, rows.indices, rows.indptr = data, indices, indptr.astype(indices.dtype, copy=False) if fits else indptr
    return rows


def _native(values: np.ndarray) -> np.ndarray:
    """Values in a type of equal range that scipy.sparse and numba can work on."""
    same = {"b1": "u1", "f2": "f4"}.get(values.dtype.str[1:], values.dtype.newbyteorder("="))
    return values.astype(same, copy=False)
