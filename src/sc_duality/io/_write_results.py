"""Write the results in an object into its store on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from ..cells import adata_keys, cell_names, column, modality, preview
from ._store import delete_result, open_cell_names, open_store, write_result

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Names of the ``obs`` columns and ``obsm`` arrays that a result may have besides ``obs[key]`` and ``obsm[key]``.
_COLUMNS = (adata_keys.status, *adata_keys.COMPANIONS, adata_keys.n_unknown_genes, adata_keys.n_duplicate_genes)
_ARRAYS = (adata_keys.vocabulary, adata_keys.probabilities)


class _Result(NamedTuple):
    """Names of the columns and arrays of one result."""

    key: str
    columns: list[str]
    arrays: list[str]


def write_results(
    adata: AnnData | MuData, path: str | Path, keys: Sequence[str] | None = None, *, mod: str = "rna"
) -> None:
    """Write the results in an object into an h5ad or zarr store of the same cells.

    Only the results are written; expression is not read, and the rest of the store is not changed. Use this for a
    backed or lazy AnnData, which :meth:`anndata.AnnData.write_h5ad` would rewrite completely or cannot write.

    Parameters
    ----------
    adata
        Cells with results of ``sc_duality.pp`` or ``sc_duality.tl``.
    path
        An h5ad, h5mu or zarr store. An h5ad may be open as the backed ``adata``, but not elsewhere.
    keys
        ``key_added`` of the results to write. By default all; sentences and embeddings that ``adata`` has not loaded
        are left unchanged in a store that has them.
    mod
        Modality of a MuData.

    Returns
    -------
    None. For each key, the store gets ``obs[key]`` or ``obsm[key]``, their metadata such as
    ``obs[f"{key}_confidence"]``, and ``uns[key]``, which replace earlier results under this key. ``uns`` is written
    last: if the process is killed before, no tool reads the incomplete result. This holds for zarr; HDF5 guarantees
    nothing about a file whose writer was killed.

    Raises
    ------
    FileNotFoundError, OSError
        The store does not exist or is open elsewhere.
    KeyError
        There is no result with this key.
    ValueError
        The store has other cells.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import anndata as ad
    >>> import sc_duality as sd
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "cells.h5ad"
    ...     sd.datasets.pbmc3k()[:20].write_h5ad(path)
    ...     adata = ad.read_h5ad(path, backed="r")
    ...     sd.tl.annotate(adata, labels="blood")
    ...     sd.io.write_results(adata, path)
    ...     adata.file.close()
    ...     list(ad.read_h5ad(path).obs)[:4]
    ['cell_type', 'annotation', 'annotation_status', 'annotation_confidence']
    """
    data = modality(adata, mod)
    results = [_result(data, key) for key in (_all_keys(data) if keys is None else keys)]
    with _file_closed(data, path), open_store(path, mod) as group:
        _check_cell_names(cell_names(data), open_cell_names(group)[:], path)
        for key, columns, arrays in results:
            unchanged = [name for name in arrays if keys is None and _is_unchanged(data, group, name)]
            new_columns = {name: _values(column(data, name)) for name in columns}
            new_arrays = {name: _in_memory(data.obsm[name]) for name in arrays if name not in unchanged}
            uns = _in_memory(data.uns[key])
            old_arrays = [name for name in _result_names(key, _ARRAYS) if name not in unchanged]
            delete_result(group, key, _result_names(key, _COLUMNS), old_arrays)
            write_result(group, key, uns, new_columns, new_arrays)
            logger.info("wrote %r into %s: obs %s, obsm %s", key, path, columns, list(new_arrays))


@contextmanager
def _file_closed(data: AnnData, path: str | Path) -> Iterator[None]:
    """Close the file of a backed object while results are written into the same file."""
    same = data.file.filename is not None and Path(path).exists() and Path(data.file.filename).samefile(path)
    if not same:
        yield
        return
    if not isinstance(data.obs, pd.DataFrame):
        raise ValueError(
            f"{str(path)!r} is open in adata, which reads it lazily, and HDF5 does not write to a file that is open "
            "for reading: read it with anndata.read_h5ad(path, backed='r'), or keep the data in a zarr store"
        )
    data.file.close()
    try:
        yield
    finally:
        data.file.open()


def _all_keys(data: AnnData) -> list[str]:
    keys = [key for key in data.uns if _is_result(data.uns[key])]
    if not keys:
        raise KeyError("uns has no results of sc_duality: run a tool of sd.pp or sd.tl first")
    return keys


def _is_result(uns: Any) -> bool:
    """Whether this entry of ``uns`` was written by this package."""
    params = uns.get(adata_keys.PARAMS) if isinstance(uns, Mapping) else None
    return isinstance(params, Mapping) and (adata_keys.GENES in uns or {"prompt_format", "fingerprint"} <= set(params))


def _result(data: AnnData, key: str) -> _Result:
    if key not in data.uns or not _is_result(data.uns[key]):
        raise KeyError(f"uns[{key!r}] is not a result of sc_duality: choose from {preview(_all_keys(data))}")
    columns = [name for name in _result_names(key, _COLUMNS) if name in data.obs]
    arrays = [name for name in _result_names(key, _ARRAYS) if name in data.obsm]
    return _Result(key, columns, arrays)


def _result_names(key: str, metadata: Sequence[Callable[[str], str]]) -> list[str]:
    return [key, *(name(key) for name in metadata)]


def _check_cell_names(in_adata: pd.Index, in_store: np.ndarray, path: str | Path) -> None:
    if len(in_adata) != len(in_store):
        raise ValueError(
            f"{str(path)!r} has {len(in_store)} cells and adata has {len(in_adata)}: pass the store of the same cells"
        )
    differ = np.flatnonzero(np.asarray(in_adata, dtype=object) != np.asarray(in_store, dtype=object))
    if len(differ):
        first = differ[0]
        raise ValueError(
            f"{str(path)!r} has other cells or another order of cells: {len(differ)} names differ, the first is "
            f"{in_store[first]!r} in the store and {in_adata[first]!r} in adata"
        )


def _is_unchanged(data: AnnData, group: Any, name: str) -> bool:
    """Whether this array has not been loaded and the store has it."""
    return hasattr(data.obsm[name], "chunks") and "obsm" in group and name in group["obsm"]


def _values(values: pd.Series) -> Any:
    return values.array if pd.api.types.is_extension_array_dtype(values.dtype) else values.to_numpy()


def _in_memory(element: Any) -> Any:
    """The element, loaded into memory."""
    if isinstance(element, Mapping) and not hasattr(element, "to_memory"):
        return {name: _in_memory(value) for name, value in element.items()}
    if hasattr(element, "to_memory"):
        return element.to_memory()
    return np.asarray(element) if hasattr(element, "chunks") else element
