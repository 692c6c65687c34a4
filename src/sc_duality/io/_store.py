"""Open an AnnData store on disk, and write or delete results in it so that an incomplete result is not read."""

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
def open_store(path: str | Path, mod: str) -> Iterator[Any]:
    """The group of an AnnData in an h5ad, h5mu or zarr store, for reading and writing.

    Consolidated metadata of a zarr store is deleted first and consolidated again at the end, so it is never out of
    date, even if the process is killed.
    """
    path = Path(path)
    if path.is_dir():
        consolidated = zarr.open_group(path, mode="r").metadata.consolidated_metadata is not None
        root = zarr.open_group(path, mode="r+", use_consolidated=False)
        _delete_consolidated_metadata(path, root)
        try:
            yield _anndata_group(root, path, mod)
        finally:
            if consolidated:
                zarr.consolidate_metadata(root.store)
        return
    with _open_hdf5(path) as file:
        yield _anndata_group(file, path, mod)


def open_lazy(group: Any) -> Any:
    """The parts of an AnnData that ranking needs: its matrices and cell names, left on disk, and its ``var``."""
    raw = _read_matrix_and_var(group["raw"]) if _has(group, "raw/X") else None
    layers = {name: _open_matrix(group["layers"][name]) for name in group["layers"]} if "layers" in group else {}
    return SimpleNamespace(
        **vars(_read_matrix_and_var(group)),
        raw=raw,
        layers=layers,
        obs=None,
        obs_names=open_cell_names(group),
        n_obs=_index(group["obs"]).shape[0],
    )


def open_cell_names(group: Any) -> Any:
    """Names of the cells, left on disk if they can be read from there by slice."""
    index = _index(group["obs"])
    if isinstance(index, h5py.Dataset) and h5py.check_string_dtype(index.dtype):
        return index.asstr()
    if isinstance(index, zarr.Array) and index.dtype.kind in "TO":
        return index
    return np.asarray(read_elem(index), dtype=object)


def delete_result(group: Any, key: str, columns: Sequence[str], arrays: Sequence[str]) -> None:
    """Delete ``uns[key]``, then these ``obsm`` arrays and ``obs`` columns: without ``uns``, no tool reads the rest."""
    _set_column_order(group, [name for name in _column_order(group) if name not in columns])
    for parent, entries in (("uns", [key]), ("obsm", arrays), ("obs", columns)):
        for name in entries:
            if parent in group and name in group[parent]:
                del group[parent][name]


def write_result(
    group: Any, key: str, uns: Mapping[str, Any], columns: Mapping[str, Any], arrays: Mapping[str, Any]
) -> None:
    """Write ``obsm`` arrays and ``obs`` columns, then ``uns[key]``: without ``uns``, no tool reads the rest."""
    for name, values in arrays.items():
        write_elem(group.require_group("obsm"), name, values)
    for name, values in columns.items():
        write_elem(group["obs"], name, values)
    _set_column_order(group, [*_column_order(group), *columns])
    write_elem(group.require_group("uns"), key, dict(uns))


def create_array(group: Any, name: str, shape: tuple[int, int], rows: int) -> Any:
    """A new int32 array ``obsm[name]``, with zarr chunks of ``rows`` rows."""
    obsm = group.require_group("obsm")
    if isinstance(group, h5py.Group):
        array = obsm.create_dataset(name, shape=shape, dtype=np.int32)
    else:
        array = obsm.create_array(name, shape=shape, dtype=np.int32, chunks=(min(rows, shape[0]), shape[1]))
    array.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    return array


def _open_hdf5(path: Path) -> h5py.File:
    if not path.exists():
        raise FileNotFoundError(f"there is no store {str(path)!r}: write one with adata.write_zarr or write_h5ad")
    try:
        return h5py.File(path, "r+")
    except OSError as error:
        raise OSError(
            f"{str(path)!r} cannot be opened for writing ({error}): HDF5 does not write to a file that is open for "
            "reading; close all its readers, or keep the data in a zarr store"
        ) from error


def _anndata_group(root: Any, path: Path, mod: str) -> Any:
    """The root of an AnnData, or the group of a modality of a MuData."""
    if "mod" in root:
        if mod not in root["mod"]:
            raise KeyError(f"{str(path)!r} has no modality {mod!r}; it has {sorted(root['mod'])}: pass mod=")
        root = root["mod"][mod]
    if "obs" not in root or "var" not in root:
        raise ValueError(f"{str(path)!r} holds no AnnData: obs or var is missing")
    return root


def _delete_consolidated_metadata(path: Path, root: zarr.Group) -> None:
    if root.metadata.zarr_format == 2:
        (path / ".zmetadata").unlink(missing_ok=True)
    else:
        root.attrs.put(root.attrs.asdict())  # rewrites zarr.json, without the consolidated metadata


def _index(frame: Any) -> Any:
    found = frame[frame.attrs["_index"]]
    return found if hasattr(found, "shape") else found["values"]


def _read_matrix_and_var(group: Any) -> Any:
    var = read_elem(group["var"])
    return SimpleNamespace(X=_open_matrix(group["X"]) if _has(group, "X") else None, var=var, var_names=var.index)


def _open_matrix(element: Any) -> Any:
    sparse = element.attrs.get("encoding-type") in {"csr_matrix", "csc_matrix"}
    return sparse_dataset(element) if sparse else element


def _has(group: Any, name: str) -> bool:
    """Whether there is such an element; None may be stored as an element of type ``"null"``."""
    return name in group and group[name].attrs.get("encoding-type") != "null"


def _column_order(group: Any) -> list[str]:
    return [str(name) for name in group["obs"].attrs.get("column-order", ())]


def _set_column_order(group: Any, columns: Sequence[str]) -> None:
    hdf5 = isinstance(group, h5py.Group)
    group["obs"].attrs["column-order"] = np.array(columns, dtype=h5py.string_dtype()) if hdf5 else list(columns)
