"""AnnData stores on disk: opened for changes, looked into, and changed so that what is half written does not count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import zarr
from anndata.io import read_elem, sparse_dataset, write_elem


@contextmanager
def opened(path: str | Path, mod: str) -> Iterator[Any]:
    """The group of an AnnData in an h5ad, h5mu or zarr store, for reading and writing.

    A zarr store may have a summary of its metadata in one place. It is taken away first and made anew at the end, so
    that nobody reads by a summary that is no longer true, even if the work is killed.
    """
    path = Path(path)
    if path.is_dir():
        summed_up = zarr.open_group(path, mode="r").metadata.consolidated_metadata is not None
        root = zarr.open_group(path, mode="r+", use_consolidated=False)
        _drop_summary(path, root)
        try:
            yield _part(root, path, mod)
        finally:
            if summed_up:
                zarr.consolidate_metadata(root.store)
        return
    with _file(path) as file:
        yield _part(file, path, mod)


def shell(group: Any) -> Any:
    """What stands for the AnnData of this group: its matrices, left on disk, and its genes, but no cells."""
    raw = _holder(group["raw"]) if _has(group, "raw/X") else None
    layers = {name: _matrix(group["layers"][name]) for name in group["layers"]} if "layers" in group else {}
    return SimpleNamespace(**vars(_holder(group)), raw=raw, layers=layers, n_obs=_index(group["obs"]).shape[0])


def names(group: Any) -> Any:
    """Names of the cells, left on disk where they can be read from there by slice."""
    index = _index(group["obs"])
    if isinstance(index, h5py.Dataset) and h5py.check_string_dtype(index.dtype):
        return index.asstr()
    if isinstance(index, zarr.Array) and index.dtype.kind in "TO":
        return index
    return np.asarray(read_elem(index), dtype=object)


def forget(group: Any, key: str, columns: Sequence[str], arrays: Sequence[str]) -> None:
    """Take away what is under ``key``, first what tells of it, so that no half of it ever looks whole."""
    _set_order(group, [name for name in _order(group) if name not in columns])
    for room, entries in (("uns", [key]), ("obsm", arrays), ("obs", columns)):
        for name in entries:
            if room in group and name in group[room]:
                del group[room][name]


def remember(
    group: Any, key: str, told: Mapping[str, Any], columns: Mapping[str, Any], arrays: Mapping[str, Any]
) -> None:
    """Write what is under ``key``, last what tells of it."""
    for name, values in arrays.items():
        write_elem(group, f"obsm/{name}", values)
    for name, values in columns.items():
        write_elem(group, f"obs/{name}", values)
    _set_order(group, [*_order(group), *columns])
    write_elem(group, f"uns/{key}", dict(told))


def new_array(group: Any, name: str, shape: tuple[int, int], rows: int) -> Any:
    """An int32 array in ``obsm`` to be written ``rows`` rows at a time."""
    holder = group.require_group("obsm")
    if isinstance(group, h5py.Group):
        array = holder.create_dataset(name, shape=shape, dtype=np.int32)
    else:
        array = holder.create_array(name, shape=shape, dtype=np.int32, chunks=(min(rows, shape[0]), shape[1]))
    array.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    return array


def _file(path: Path) -> h5py.File:
    if not path.exists():
        raise FileNotFoundError(f"there is no store {str(path)!r}: write one with adata.write_zarr or write_h5ad")
    try:
        return h5py.File(path, "r+")
    except OSError as error:
        raise OSError(
            f"{str(path)!r} cannot be opened for writing ({error}): HDF5 does not write to a file that is open for "
            "reading; close what reads it, or keep the data in a zarr store"
        ) from error


def _part(root: Any, path: Path, mod: str) -> Any:
    """The AnnData itself, or a modality of a MuData."""
    if "mod" in root:
        if mod not in root["mod"]:
            raise KeyError(f"{str(path)!r} has no modality {mod!r}; it has {sorted(root['mod'])}: pass mod=")
        root = root["mod"][mod]
    if "obs" not in root or "var" not in root:
        raise ValueError(f"{str(path)!r} holds no AnnData: obs or var is missing")
    return root


def _drop_summary(path: Path, root: zarr.Group) -> None:
    if root.metadata.zarr_format == 2:
        (path / ".zmetadata").unlink(missing_ok=True)
    else:
        root.attrs.put(root.attrs.asdict())  # written without the summary


def _index(frame: Any) -> Any:
    found = frame[frame.attrs["_index"]]
    return found if hasattr(found, "shape") else found["values"]


def _holder(group: Any) -> Any:
    var = read_elem(group["var"])
    return SimpleNamespace(X=_matrix(group["X"]) if _has(group, "X") else None, var=var, var_names=var.index)


def _matrix(element: Any) -> Any:
    sparse = element.attrs.get("encoding-type") in {"csr_matrix", "csc_matrix"}
    return sparse_dataset(element) if sparse else element


def _has(group: Any, name: str) -> bool:
    """Whether there is such an element; what is None may be written as one of type ``"null"``."""
    return name in group and group[name].attrs.get("encoding-type") != "null"


def _order(group: Any) -> list[str]:
    return [str(name) for name in group["obs"].attrs.get("column-order", ())]


def _set_order(group: Any, columns: Sequence[str]) -> None:
    hdf5 = isinstance(group, h5py.Group)
    group["obs"].attrs["column-order"] = np.array(columns, dtype=h5py.string_dtype()) if hdf5 else list(columns)
