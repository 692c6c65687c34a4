"""Open an AnnData store on disk, and change a copy that replaces it at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd
import zarr
from anndata.io import write_elem
from scipy import sparse

from .._replacement import replacement, unfinished
from .._store_format import check_format
from ..cells import adata_keys
from ._copy import copy_store


class Store(NamedTuple):
    """A store that is open for reading and locked against other writers."""

    #: The AnnData in it, or the modality of its MuData.
    group: Any
    path: Path
    mod: str
    #: Path of the changed copy.
    new: Path

    @contextmanager
    def changed(self, n_bytes: int) -> Iterator[Any]:
        """The AnnData in a copy of the store, for writing about ``n_bytes`` bytes; the copy replaces the store later.

        Consolidated metadata of a zarr store is deleted first and consolidated again at the end.
        """
        copy_store(self.path, self.new, n_bytes)
        if self.path.is_dir():
            consolidated = zarr.open_group(self.new, mode="r").metadata.consolidated_metadata is not None
            root = zarr.open_group(self.new, mode="r+", use_consolidated=False)
            _delete_consolidated_metadata(self.new, root)
            yield _anndata_group(root, self.path, self.mod)
            if consolidated:
                zarr.consolidate_metadata(root.store)
            return
        with h5py.File(self.new, "r+") as file:
            yield _anndata_group(file, self.path, self.mod)


@contextmanager
def open_store(path: str | Path, mod: str) -> Iterator[Store]:
    """Open an h5ad, h5mu or zarr store. A copy changed with :meth:`Store.changed` replaces it without an error."""
    path = Path(path)
    if not unfinished(path.resolve()).exists():
        check_format(path)
    path = path.resolve()
    with replacement(path) as new:
        check_format(path)
        with _opened(path) as root:
            yield Store(_anndata_group(root, path, mod), path, mod, new)


def delete_result(group: Any, key: str, columns: Sequence[str], arrays: Sequence[str], layers: Sequence[str]) -> None:
    """Delete ``uns[key]``, and these layers, ``obsm`` arrays and ``obs`` columns with their colours."""
    _set_column_order(group, [name for name in _column_order(group) if name not in columns])
    uns = [key, *map(adata_keys.colors, columns)]
    for parent, entries in (("uns", uns), ("layers", layers), ("obsm", arrays), ("obs", columns)):
        for name in entries:
            if parent in group and name in group[parent]:
                del group[parent][name]


def write_result(
    group: Any,
    uns: Mapping[str, Any],
    columns: Mapping[str, Any],
    arrays: Mapping[str, Any],
    layers: Mapping[str, Any],
) -> None:
    """Write layers, ``obsm`` arrays, ``obs`` columns, and ``uns`` entries."""
    for parent, entries in (("layers", layers), ("obsm", arrays), ("obs", columns), ("uns", uns)):
        for name, values in entries.items():
            try:
                write_elem(_mapping(group, parent), name, values)
            except (MemoryError, OSError):
                raise
            except Exception as error:  # anndata and h5py raise many types for values that they cannot write
                raise ValueError(f"{parent}[{name!r}] cannot be stored in a file: {error}") from error
    _set_column_order(group, [*_column_order(group), *columns])


def n_bytes(element: Any) -> int:
    """About the number of bytes that an element takes in a file, without compression."""
    if isinstance(element, Mapping):
        return sum(n_bytes(name) + n_bytes(value) for name, value in element.items())
    if isinstance(element, pd.DataFrame | pd.Series):
        return int(np.sum(element.memory_usage(deep=True)))
    if isinstance(element, sparse.csr_matrix):
        return int(element.data.nbytes + element.indices.nbytes + element.indptr.nbytes)
    if getattr(getattr(element, "dtype", None), "kind", "") == "O":
        element = np.asarray(element).ravel().tolist()
    if isinstance(element, list | tuple):
        return sum(n_bytes(value) for value in element)
    return int(getattr(element, "nbytes", sys.getsizeof(element)))


def create_array(group: Any, name: str, shape: tuple[int, int], rows: int) -> Any:
    """A new int32 array ``obsm[name]``, with zarr chunks of ``rows`` rows."""
    obsm = _mapping(group, "obsm")
    if isinstance(group, h5py.Group):
        array = obsm.create_dataset(name, shape=shape, dtype=np.int32)
    else:
        array = obsm.create_array(name, shape=shape, dtype=np.int32, chunks=(min(rows, shape[0]), shape[1]))
    array.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    return array


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if path.is_dir():
        yield zarr.open_group(path, mode="r", use_consolidated=False)
        return
    with h5py.File(path, "r") as file:
        yield file


def _anndata_group(root: Any, path: Path, mod: str) -> Any:
    """The root of an AnnData, or the group of a modality of a MuData."""
    if "mod" in root:
        if mod not in root["mod"]:
            raise KeyError(f"{str(path)!r} has no modality {mod!r}; it has {sorted(root['mod'])}: pass mod=")
        root = root["mod"][mod]
    if "obs" not in root or "var" not in root:
        raise ValueError(f"{str(path)!r} holds no AnnData: obs or var is missing")
    if hasattr(root["obs"], "shape") or "h5sparse_format" in (root["X"].attrs if "X" in root else ()):
        raise ValueError(
            f"{str(path)!r} has the old format of anndata before 0.7: read it with anndata.read_h5ad or read_zarr, and "
            "write it anew with write_h5ad or write_zarr"
        )
    return root


def _mapping(group: Any, name: str) -> Any:
    """The group ``layers``, ``obs``, ``obsm`` or ``uns``."""
    if name not in group:
        write_elem(group, name, {})
    return group[name]


def _delete_consolidated_metadata(path: Path, root: zarr.Group) -> None:
    if root.metadata.zarr_format == 2:
        (path / ".zmetadata").unlink(missing_ok=True)
    else:
        root.attrs.put(root.attrs.asdict())  # rewrites zarr.json, without the consolidated metadata


def _column_order(group: Any) -> list[str]:
    return [str(name) for name in group["obs"].attrs.get("column-order", ())]


def _set_column_order(group: Any, columns: Sequence[str]) -> None:
    hdf5 = isinstance(group, h5py.Group)
    group["obs"].attrs["column-order"] = np.array(columns, dtype=h5py.string_dtype()) if hdf5 else list(columns)
