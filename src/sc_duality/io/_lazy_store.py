"""Read the parts of an AnnData store that ranking needs."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pandas as pd
import zarr
from anndata.io import read_elem, sparse_dataset

from ..cells import adata_keys


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
        uns=_reconstructed_layers(group.get("uns", {})),
    )


def _reconstructed_layers(uns: Any) -> dict[str, Any]:
    """Of the entries with cell sentences, the names of the layers that were made of them."""
    parts = (adata_keys.GENES, adata_keys.LAYERS)
    return {
        name: {part: read_elem(uns[name][part]) for part in parts}
        for name in uns
        if hasattr(uns[name], "keys") and all(part in uns[name] for part in parts)
    }


def open_cell_names(group: Any) -> Any:
    """Names of the cells, left on disk if they can be read from there by slice."""
    index = _index(group["obs"])
    if isinstance(index, h5py.Dataset) and h5py.check_string_dtype(index.dtype):
        return index.asstr()
    if isinstance(index, zarr.Array) and index.dtype.kind in "TO":
        return index
    return np.asarray(read_elem(index), dtype=object)


def open_fields(group: Any, keys: Sequence[str]) -> Any:
    """Names of the elements of an AnnData, and its ``uns`` under these keys, as checks of new names read them."""
    uns = group.get("uns", {})
    return SimpleNamespace(
        **{slot: set(group[slot]) if slot in group else set() for slot in ("obs", "obsm", "layers", "var")},
        uns={key: read_elem(uns[key]) for key in keys if key in uns},
        obs_names=pd.Index([], name=group["obs"].attrs["_index"]),
    )


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
