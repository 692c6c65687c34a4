"""Write the results in an object into its store on disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from ..cells import (
    Fields,
    adata_keys,
    cell_names,
    check_new_fields,
    column,
    is_result,
    modality,
    preview,
    written_fields,
)
from ._lazy_store import open_cell_names, open_fields
from ._store import delete_result, n_bytes, open_store, write_result

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


class _Result(NamedTuple):
    """Names of the columns, arrays and layers of one result."""

    key: str
    columns: list[str]
    arrays: list[str]
    layers: list[str]


class _Elements(NamedTuple):
    """The elements of one result in memory, colours included, and the names of what stays in the store."""

    unchanged: Fields
    uns: dict[str, Any]
    columns: dict[str, Any]
    arrays: dict[str, Any]
    layers: dict[str, Any]


def write_results(
    adata: AnnData | MuData, path: str | Path, keys: Sequence[str] | None = None, *, mod: str = "rna"
) -> None:
    """Write the results in an object into an h5ad or zarr store of the same cells.

    Only the results are written, with the layers that were reconstructed from sentences; expression is not read, and
    the rest of the store is not changed. Use this for a backed or lazy AnnData, which
    :meth:`anndata.AnnData.write_h5ad` would rewrite completely or cannot write.

    Parameters
    ----------
    adata
        Cells with results of ``sc_duality.pp`` or ``sc_duality.tl``.
    path
        An h5ad, h5mu or zarr store. It may be the store of a backed or lazy ``adata``, and others may read it
        meanwhile, but not write it.
    keys
        List of the ``key_added`` of the results to write. By default all; sentences, embeddings and layers that
        ``adata`` has not loaded are left unchanged in a store that has them.
    mod
        Modality of a MuData.

    Returns
    -------
    None. For each key, the store gets ``obs[key]`` or ``obsm[key]``, their metadata such as
    ``obs[f"{key}_confidence"]``, ``uns[key]``, the colours of labels and the layers in ``uns[key]["layers"]``, which
    replace earlier results under this key.

    The store itself is never changed. Its copy is, in the folder ``f"{path}.sc_duality-unfinished"``, and replaces it
    in one step: an h5ad or h5mu is copied, of a zarr store the chunks are hard links. If the call fails, is killed or
    fills the disk, the store has all its old contents. The next call removes what a killed one left. Of two calls at
    once, the second waits. On a system that cannot exchange two folders in one step (not Linux or macOS, and some
    network disks), a zarr store may be missing if the process is killed between the two steps: the next call puts it
    in its position. Symbolic links to the store stay; other hard links to an h5ad keep its old contents.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The store does not exist, is read-only, damaged or open for writing elsewhere, or the disk is full.
    KeyError
        There is no result with this key.
    TypeError
        ``keys`` is one name in place of a list.
    ValueError
        The store has other cells or another format, a value cannot be stored, or the store has elements of the same
        names that this package did not write: run the tool again with another ``key_added``.

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
    if isinstance(keys, str):
        raise TypeError(f"keys must be a list of results, got the string {keys!r}: pass keys=[{keys!r}]")
    data = modality(adata, mod)
    results = [_result(data, key) for key in (_all_keys(data) if keys is None else dict.fromkeys(keys))]
    with _file_closed(data, path), open_store(path, mod) as store:
        _check_cell_names(cell_names(data), open_cell_names(store.group)[:], path)
        fields = open_fields(store.group, [result.key for result in results])
        for result in results:
            wanted = Fields(tuple(result.columns), tuple(result.arrays), tuple(result.layers))
            check_new_fields(fields, result.key, wanted, sentences=adata_keys.GENES in data.uns[result.key])
        elements = [_elements(data, result, store.group if keys is None else {}) for result in results]
        with store.changed(n_bytes(elements)) as group:
            for (key, *_), (unchanged, *new) in zip(results, elements, strict=True):
                old = written_fields(fields, key)
                arrays = [name for name in old.obsm if name not in unchanged.obsm]
                layers = [name for name in old.layers if name not in unchanged.layers]
                delete_result(group, key, old.obs, arrays, layers)
                write_result(group, *new)
    for (key, *_), (_, _, *written) in zip(results, elements, strict=True):
        logger.info("wrote %r into %s: obs %s, obsm %s, layers %s", key, path, *map(list, written))


@contextmanager
def _file_closed(data: AnnData, path: str | Path) -> Iterator[None]:
    """Close the file of a backed object while a new version of this file is written, and open the new one."""
    same = data.file.filename is not None and Path(path).exists() and Path(data.file.filename).samefile(path)
    if not same or not isinstance(data.obs, pd.DataFrame):  # a lazy object goes on reading the file of before
        yield
        return
    data.file.close()
    try:
        yield
    finally:
        data.file.open()


def _all_keys(data: AnnData) -> list[str]:
    keys = [key for key in data.uns if is_result(data.uns[key])]
    if not keys:
        raise KeyError("uns has no results of sc_duality: run a tool of sd.pp or sd.tl first")
    return keys


def _result(data: AnnData, key: str) -> _Result:
    if key not in data.uns or not is_result(data.uns[key]):
        raise KeyError(f"uns[{key!r}] is not a result of sc_duality: choose from {preview(_all_keys(data))}")
    fields = written_fields(data, key)
    columns = [name for name in fields.obs if name in data.obs]
    arrays = [name for name in fields.obsm if name in data.obsm]
    return _Result(key, columns, arrays, [name for name in fields.layers if name in data.layers])


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


def _elements(data: AnnData, result: _Result, store: Any) -> _Elements:
    """What is written of a result, in memory, without what ``data`` has not loaded and ``store`` has."""
    unchanged = Fields(
        obsm=tuple(name for name in result.arrays if _is_unchanged(data, store, "obsm", name)),
        layers=tuple(name for name in result.layers if _is_unchanged(data, store, "layers", name)),
    )
    columns = pd.DataFrame({name: _values(column(data, name)) for name in result.columns})
    data.strings_to_categoricals(columns)  # as AnnData.write_h5ad and write_zarr do
    colors = [name for name in map(adata_keys.colors, result.columns) if name in data.uns]
    return _Elements(
        unchanged,
        {name: _in_memory(data.uns[name]) for name in (result.key, *colors)},
        {name: _values(columns[name]) for name in result.columns},
        {name: _in_memory(data.obsm[name]) for name in result.arrays if name not in unchanged.obsm},
        {name: _in_memory(data.layers[name]) for name in result.layers if name not in unchanged.layers},
    )


def _is_unchanged(data: AnnData, group: Any, slot: str, name: str) -> bool:
    """Whether this array or layer has not been loaded and the store has it."""
    return hasattr(getattr(data, slot)[name], "chunks") and slot in group and name in group[slot]


def _values(values: pd.Series) -> Any:
    return values.array if pd.api.types.is_extension_array_dtype(values.dtype) else values.to_numpy()


def _in_memory(element: Any) -> Any:
    """The element, loaded into memory."""
    if isinstance(element, Mapping) and not hasattr(element, "to_memory"):
        return {name: _in_memory(value) for name, value in element.items()}
    if hasattr(element, "to_memory"):
        return element.to_memory()
    if hasattr(element, "compute"):  # np.asarray would not read the sparse chunks of a dask array
        return element.compute()
    return np.asarray(element) if hasattr(element, "chunks") else element
