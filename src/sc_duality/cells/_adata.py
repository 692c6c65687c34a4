"""Read from an AnnData or MuData: the modality, the matrix, cell names and columns of obs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from .._validation import is_missing
from . import adata_keys

if TYPE_CHECKING:
    from anndata import Raw
    from mudata import MuData

logger = logging.getLogger(__name__)


def modality(data: AnnData | MuData, mod: str = "rna") -> AnnData:
    """The AnnData to work on: ``data`` itself, or modality ``mod`` of a MuData, not copied.

    Of a SpatialData it is the table ``mod``, or its only table.
    """
    if isinstance(data, AnnData):
        adata = data
    elif isinstance(getattr(data, "mod", None), Mapping):
        if mod not in data.mod:
            raise KeyError(f"the MuData has no modality {mod!r}; it has {sorted(data.mod)}: pass mod=")
        adata = data.mod[mod]
    elif isinstance(tables := getattr(data, "tables", None), Mapping):
        if mod not in tables and len(tables) != 1:
            raise KeyError(f"the SpatialData has no table {mod!r}; it has {sorted(tables)}: pass mod=")
        adata = tables[mod] if mod in tables else next(iter(tables.values()))
    else:
        raise TypeError(f"expected an AnnData or a MuData, got {type(data).__name__}")
    if adata.n_obs == 0 or adata.n_vars == 0:
        raise ValueError(f"the AnnData is empty: {adata.n_obs} cells × {adata.n_vars} genes")
    return adata


def writable(data: AnnData | MuData, mod: str = "rna", *, copy: bool = False) -> tuple[AnnData | MuData, AnnData]:
    """The object to write results into, a copy if ``copy`` is set, and the AnnData in it to work on.

    anndata copies a backed object into a file only; its copy is in memory here.
    """
    adata = modality(data, mod)
    if not copy:
        if adata.isbacked and adata.is_view:
            raise ValueError(
                "adata is a view of a backed AnnData, into which anndata cannot write results: call "
                "adata.to_memory() first, or pass copy=True for a copy in memory"
            )
        return data, adata
    if not hasattr(data, "copy"):
        raise ValueError(f"copy=True cannot copy a {type(data).__name__}: pass a copy of its table, an AnnData")
    if not adata.isbacked:
        result = data.copy()
    elif data is adata:
        result = adata.to_memory()
    else:
        raise ValueError("copy=True cannot copy a backed MuData: read it without backed=")
    return result, modality(result, mod)


def check_column(data: AnnData | MuData, name: Any, argument: str, mod: str = "rna") -> None:
    """Refuse ``name`` unless it is a column of ``obs``; ``argument`` is named in the error."""
    if not isinstance(name, str):
        raise TypeError(
            f"{argument}={name!r} must be the name of one obs column: join several into one with "
            "adata.obs[a].astype(str) + ' ' + adata.obs[b].astype(str)"
        )
    adata = modality(data, mod)
    if name in adata.obs:
        return
    if data is not adata and name in data.obs:
        raise KeyError(
            f"{argument}={name!r} is a column of the MuData's own obs, not of the modality {mod!r}: call "
            f"mdata.push_obs([{name!r}], mods=[{mod!r}]) first"
        )
    raise KeyError(f"{argument}={name!r} is not an obs column; there are {', '.join(map(str, adata.obs.columns))}")


def matrix(adata: AnnData, *, layer: str | None = None, use_raw: bool = False) -> tuple[Any, AnnData | Raw]:
    """The chosen expression matrix, and the object whose ``var`` describes its columns."""
    layers = f"layers are {layer_names(adata)}" if layer_names(adata) else "there are no layers"
    if use_raw and layer is not None:
        raise ValueError(f"layer={layer!r} and use_raw=True name two matrices: pass one of them")
    if use_raw and adata.raw is None:
        raise ValueError(f"use_raw=True, but the AnnData has no .raw; {layers}")
    if layer is not None and layer not in adata.layers:
        raise KeyError(f"no layer {layer!r}; {layers}")
    holder = adata.raw if use_raw else adata
    X = adata.layers[layer] if layer is not None else holder.X
    if not use_raw and getattr(adata, "is_view", False) and not adata.isbacked:
        X = _with_mask(adata, X, layer)
    if X is None:
        others = [f"layer={name!r}" for name in layer_names(adata)] + ["use_raw=True"] * (adata.raw is not None)
        fix = f": pass {' or '.join(others)}" if others else " and there is no .raw"
        raise ValueError(f"the AnnData has no X; {layers}{fix}")
    if X.dtype.kind not in "buif" or X.dtype.itemsize > 8:
        raise TypeError(f"expression must be real numbers of at most 64 bits, got dtype {X.dtype}: cast it first")
    return X, holder


def _with_mask(view: AnnData, X: Any, layer: str | None) -> Any:
    """The matrix of a view, with the mask of a masked array, which anndata drops."""
    viewed = view._adata_ref
    whole = viewed.X if layer is None else viewed.layers[layer]
    return whole[view._oidx][:, view._vidx] if np.ma.isMaskedArray(whole) else X


def check_columns(data: AnnData | MuData, names: Sequence[str], argument: str, mod: str = "rna") -> None:
    """Refuse ``names`` unless it is a list of columns of ``obs``."""
    if isinstance(names, str):
        raise TypeError(f"{argument} must be a list of obs columns, got the string {names!r}")
    for name in names:
        check_column(data, name, argument, mod)


def layer_names(adata: AnnData) -> list[str]:
    """Names of the layers; anndata 0.13 lists ``X`` among them, as None."""
    return sorted(name for name in adata.layers if name is not None)


def cell_names(adata: AnnData) -> pd.Index:
    """Names of the cells, also of a lazy AnnData that has not loaded them."""
    return getattr(adata.obs, "true_index", adata.obs_names)


def in_memory(frame: Any) -> pd.DataFrame:
    """``obs``, ``var`` or a table in ``uns`` as a DataFrame, also of a lazy AnnData."""
    return frame if isinstance(frame, pd.DataFrame) else frame.to_memory()


def column(adata: AnnData, name: str) -> pd.Series:
    """A column of ``obs``, also of a lazy AnnData."""
    return adata.obs[name] if isinstance(adata.obs, pd.DataFrame) else in_memory(adata.obs[[name]])[name]


def text_column(adata: AnnData, name: str) -> pd.Series:
    """A column of ``obs`` as text, ``None`` where it is missing; "nan" and its like are missing values, not labels."""
    values = column(adata, name).astype(object)
    texts = [None if is_missing(value) else str(value) for value in values]
    n_named = texts.count(None) - int(values.isna().sum())
    if n_named:
        named = sorted({repr(value) for value in values if isinstance(value, str) and is_missing(value)})
        logger.warning("%d cells have %s in obs[%r], which counts as missing", n_named, " or ".join(named), name)
    return pd.Series(texts, index=values.index, dtype=object)


def is_labelled(labels: pd.Series) -> pd.Series:
    """Whether each text is a label: neither missing nor "unknown", in any case."""
    return labels.notna() & (labels.astype(object).str.strip().str.lower() != adata_keys.UNKNOWN)


def drop_columns(adata: AnnData, names: Sequence[str]) -> None:
    """Delete those of these columns that ``obs`` has."""
    present = [name for name in names if name in adata.obs]
    if isinstance(adata.obs, pd.DataFrame):
        for name in present:
            del adata.obs[name]
    elif present:
        adata.obs = adata.obs.ds.drop_vars(present)


def seed(rng: int | np.random.Generator | None) -> int:
    """The seed as an integer of 63 bits, as files and engines hold it: ``rng`` itself, or a sample from it."""
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool) and 0 <= rng < 2**63:
        return int(rng)
    if rng is None or isinstance(rng, np.random.Generator):
        return int(np.random.default_rng(rng).integers(2**31))
    raise ValueError(f"rng must be a non-negative integer below 2**63, a numpy Generator or None, got {rng!r}")
