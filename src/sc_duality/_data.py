"""What every tool does with the object it is given: find the AnnData, find the matrix, read it in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData
from anndata.abc import CSCDataset
from scipy import sparse
from tqdm.auto import tqdm

from ._settings import settings

if TYPE_CHECKING:
    from anndata import Raw
    from mudata import MuData

#: Values in a block: 64 MB of float64.
BLOCK_VALUES = 2**23


def modality(data: AnnData | MuData, mod: str = "rna") -> AnnData:
    """The AnnData to work on: ``data`` itself, or modality ``mod`` of a MuData (not copied)."""
    if isinstance(data, AnnData):
        found = data
    elif isinstance(getattr(data, "mod", None), Mapping):
        if mod not in data.mod:
            raise KeyError(f"the MuData has no modality {mod!r}; it has {sorted(data.mod)}: pass mod=")
        found = data.mod[mod]
    else:
        raise TypeError(f"expected an AnnData or a MuData, got {type(data).__name__}")
    if found.n_obs == 0 or found.n_vars == 0:
        raise ValueError(f"the AnnData is empty: {found.n_obs} cells × {found.n_vars} genes")
    return found


def matrix(adata: AnnData, *, layer: str | None = None, use_raw: bool = False) -> tuple[Any, AnnData | Raw]:
    """The expression matrix that is asked for, and the object whose ``var`` names its columns."""
    layers = f"layers are {layer_names(adata)}" if layer_names(adata) else "there are no layers"
    if use_raw and layer is not None:
        raise ValueError(f"layer={layer!r} and use_raw=True name two matrices: pass one of them")
    if use_raw and adata.raw is None:
        raise ValueError(f"use_raw=True, but the AnnData has no .raw; {layers}")
    if layer is not None and layer not in adata.layers:
        raise KeyError(f"no layer {layer!r}; {layers}")
    holder = adata.raw if use_raw else adata
    X = adata.layers[layer] if layer is not None else holder.X
    if X is None:
        raise ValueError(f"the AnnData has no X; {layers}: pass layer=")
    if X.dtype.kind not in "buif" or X.dtype.itemsize > 8:
        raise TypeError(f"expression must be real numbers of at most 64 bits, got dtype {X.dtype}: cast it first")
    return X, holder


def layer_names(adata: AnnData) -> list[str]:
    """Names of the layers; anndata 0.13 lists ``X`` among them, as None."""
    return sorted(name for name in adata.layers if name is not None)


def row_blocks(X: Any, progress: str | None = None) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Row blocks of any matrix that an AnnData can hold, as canonical CSR, each with the index of its first row.

    Blocks of a CSR matrix in memory share its arrays; every other kind of matrix is read one block at a time, so
    memory does not grow with the number of rows. Blocks of a dense matrix store its zeros. Do not write to a block.
    ``progress`` is what a bar over the blocks is called, if there is to be one.
    """
    if isinstance(X, CSCDataset):
        X = X.to_memory()  # its rows lie scattered over the whole file
    shared = sparse.issparse(X) and X.format == "csr" and X.has_canonical_format
    bounds = row_bounds(X)
    hidden = progress is None or not settings.progress or len(bounds) == 1
    for start, stop in tqdm(bounds, progress, unit="block", disable=hidden, leave=False):
        yield start, _shared_rows(X, start, stop) if shared else _own_rows(X[start:stop])


def row_bounds(X: Any) -> list[tuple[int, int]]:
    """First and last (exclusive) row of every block of :func:`row_blocks`."""
    n_rows, n_columns = X.shape
    values_per_row = X.nnz // n_rows if sparse.issparse(X) else n_columns
    size = max(1, BLOCK_VALUES // max(1, values_per_row))
    if getattr(X, "format", "csr") != "csr":
        size = max(size, -(-n_rows // 16))  # every row slice of a CSC matrix walks through all of it
    if not hasattr(X, "dask"):
        return [(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
    bounds = [(0, 0)]
    for chunk in X.chunks[0]:  # a chunk is never split, as each part would compute all of it
        start, stop = bounds[-1]
        if stop > start and stop - start + chunk > size:
            bounds.append((stop, stop + chunk))
        else:
            bounds[-1] = (start, stop + chunk)
    return bounds


def seed(rng: int | np.random.Generator | None) -> int:
    """The integer seed that ``rng`` stands for: itself, or a draw from the generator."""
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0:
        return int(rng)
    if rng is None or isinstance(rng, np.random.Generator):
        return int(np.random.default_rng(rng).integers(2**31))
    raise ValueError(f"rng must be a non-negative integer, a numpy Generator or None, got {rng!r}")


def _shared_rows(X: sparse.csr_matrix, start: int, stop: int) -> sparse.csr_matrix:
    indptr = X.indptr[start : stop + 1]
    part = slice(indptr[0], indptr[-1])
    return _canonical(_native(X.data[part]), X.indices[part], indptr - indptr[0], X.shape[1])


def _own_rows(block: Any) -> sparse.csr_matrix:
    if hasattr(block, "compute"):
        block = block.compute()
    if not sparse.issparse(block):
        values = _native(np.ascontiguousarray(block))
        n_rows, n_columns = values.shape
        indices = np.tile(np.arange(n_columns, dtype=np.int32), n_rows)
        return _canonical(values.ravel(), indices, np.arange(n_rows + 1) * n_columns, n_columns)
    rows = block.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return _canonical(_native(rows.data), rows.indices, rows.indptr, rows.shape[1])


def _canonical(data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, n_columns: int) -> sparse.csr_matrix:
    """The CSR matrix of these arrays, without the walk through them by which scipy's constructor checks them."""
    rows = sparse.csr_matrix((len(indptr) - 1, n_columns), dtype=data.dtype)
    rows.data, rows.indices, rows.indptr = data, indices, indptr
    rows.has_canonical_format = True
    return rows


def _native(values: np.ndarray) -> np.ndarray:
    """Values in a type of equal range that scipy.sparse and numba can work on."""
    same = {"b1": "u1", "f2": "f4"}.get(values.dtype.str[1:], values.dtype.newbyteorder("="))
    return values.astype(same, copy=False)
