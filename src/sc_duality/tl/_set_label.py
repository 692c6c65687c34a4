"""Correct predicted labels by hand."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike, NDArray

from .._validation import is_missing
from ..cells import adata_keys, column, modality, ontology_term, preview, text_column, write_colors
from ..examples import result_params

if TYPE_CHECKING:
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Columns of the table of corrections.
_COLUMNS = ("date", "n_cells", "cells", "old", "new", "reason")


def set_label(
    adata: AnnData | MuData,
    label: str,
    where: ArrayLike | pd.Series | Sequence[str],
    *,
    key: str = adata_keys.ANNOTATION,
    reason: str | None = None,
    mod: str = "rna",
) -> None:
    """Correct predicted labels of some cells by hand, and keep a record of it.

    What was computed for the earlier labels of these cells is cleared: confidence, probabilities, nearest label, coarse
    type, duality score. :func:`annotate` does not overwrite a result with labels set by hand.

    Parameters
    ----------
    adata
        Cells with labels of :func:`annotate` or :func:`predict`, in memory.
    label
        The right label. It need not be one of those that the model chose from.
    where
        The cells: a boolean for each cell, as ``adata.obs["leiden"] == "7"``, or names of cells.
    key
        The labels.
    reason
        Why, such as ``"IGHG1, MZB1 and no MS4A1"``.
    mod
        Modality of a MuData.

    Returns
    -------
    ``None``. Changes, for these cells,

    ``obs[key]``, ``obs[key + "_status"]``
        The label, and ``"set by hand"``.
    ``obs[key + "_ontology_term_id"]``
        Cell Ontology term of the label, if there is one; the column is added if it was missing.
    ``obs[key + "_confidence"]``, ``obs[key + "_nearest"]``, ``obs[key + "_in_distribution"]``,
    ``obs[key + "_independent"]`` and its confidence, ``obs[key + "_coarse"]`` and its metadata,
    ``obs[key + "_duality"]``, ``obsm[key + "_probabilities"]``
        Missing.

    and for all cells

    ``uns[key + "_colors"]``
        A colour for each category.
    ``uns[key]["corrections"]``
        DataFrame with a row for each earlier label: ``date`` (UTC), ``n_cells``, ``cells`` (their names, joined by
        ``"|"``), ``old``, ``new`` and ``reason``. Earlier rows stay.

    Raises
    ------
    KeyError
        There are no such labels, this package did not write them, or a cell name is unknown.
    ValueError
        The label is empty, or ``where`` is not a boolean for each cell or selects none.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> sd.tl.set_label(adata, "plasma cell", adata.obs["annotation"] == "B cell", reason="MZB1, no MS4A1")
    >>> adata.uns["annotation"]["corrections"][["old", "new", "reason"]].values.tolist()
    [['B cell', 'plasma cell', 'MZB1, no MS4A1']]
    """
    data = modality(adata, mod)
    if not isinstance(data.obs, pd.DataFrame):
        raise ValueError("adata is lazy: load it with adata.to_memory() first")
    if data.is_view:
        raise ValueError("adata is a view of other cells, which would not be corrected: pass adata.copy() or all cells")
    result_params(data, key)
    if not isinstance(label, str) or is_missing(label):
        raise ValueError(f"label={label!r} must be the name of a cell type")
    chosen = _rows(data, where)
    old = text_column(data, key)[chosen]
    _write(data, key, label, chosen)
    data.uns[key] = {**data.uns[key], adata_keys.CORRECTIONS: _corrections(data, key, label, chosen, old, reason or "")}
    logger.info("set obs[%r] to %r; cells: %d", key, label, chosen.sum())


def _rows(data: AnnData, where: Any) -> NDArray[np.bool_]:
    """Which cells are meant."""
    if isinstance(where, str):
        raise ValueError(
            f"where={where!r} must be a boolean for each cell, as adata.obs['leiden'] == '7', or a list of cell names"
        )
    if isinstance(where, pd.Series) and len(where) == data.n_obs and not where.index.equals(data.obs_names):
        raise ValueError("where has another index than adata.obs_names: pass a condition on adata.obs")
    values = pd.array(list(where))
    if pd.api.types.is_bool_dtype(values.dtype) and len(values):
        if len(values) != data.n_obs:
            raise ValueError(f"where has {len(values)} values, and adata has {data.n_obs} cells")
        chosen = np.asarray(values.fillna(False), dtype=bool)
    else:
        unknown = [name for name in values if name not in data.obs_names]
        if unknown:
            raise KeyError(f"where has {len(unknown)} names that are not cells of adata: {preview(unknown)}")
        chosen = data.obs_names.isin(values)
    if not chosen.any():
        raise ValueError("where selects no cell: nothing would be corrected")
    return chosen


def _write(data: AnnData, key: str, label: str, chosen: NDArray[np.bool_]) -> None:
    """The label, its status and its term; missing values where nothing is known of it."""
    _fill(data, key, label, chosen)
    _fill(data, adata_keys.status(key), adata_keys.BY_HAND, chosen)
    columns = list(data.uns[key][adata_keys.PARAMS].get(adata_keys.COLUMNS, ()))
    name, term = adata_keys.ontology_term(key), ontology_term(label)
    if name in data.obs or (term is not None and adata_keys.COLUMNS in data.uns[key][adata_keys.PARAMS]):
        if name not in data.obs:
            data.obs[name] = pd.Categorical([None] * data.n_obs)
            params = {**data.uns[key][adata_keys.PARAMS], adata_keys.COLUMNS: [*map(str, columns), name]}
            data.uns[key] = {**data.uns[key], adata_keys.PARAMS: params}
        _fill(data, name, term, chosen)
    for column_name in (*adata_keys.annotation_columns(key), adata_keys.duality(key)):
        if column_name in data.obs and column_name not in (key, adata_keys.status(key), name):
            _fill(data, column_name, None, chosen)
    table = data.obsm.get(adata_keys.probabilities(key))
    if table is not None:
        table = table.copy()
        table[chosen] = np.nan
        data.obsm[adata_keys.probabilities(key)] = table
    for labels in (key, adata_keys.coarse(key)):
        if adata_keys.colors(labels) in data.uns:
            write_colors(data, labels)


def _fill(data: AnnData, name: str, value: str | None, chosen: NDArray[np.bool_]) -> None:
    """Set some values of a column of text or numbers; categories without cells are left out."""
    values = column(data, name).copy()
    if isinstance(values.dtype, pd.CategoricalDtype):
        if value is not None and value not in values.cat.categories:
            values = values.cat.add_categories(value)
        values[chosen] = value
        values = values.cat.remove_unused_categories()
    else:
        values[chosen] = np.nan if value is None else value
    data.obs[name] = values.array


def _corrections(
    data: AnnData, key: str, label: str, chosen: NDArray[np.bool_], old: pd.Series, reason: str
) -> pd.DataFrame:
    """The table of corrections with the new rows."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    names = pd.Series(data.obs_names[chosen].astype(str))
    before = pd.Series(old.to_numpy(dtype=object, na_value=""))
    rows = [
        (date, len(cells), "|".join(cells), str(earlier), label, reason)
        for earlier, cells in names.groupby(before.to_numpy(), sort=True)
    ]
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    known = data.uns[key].get(adata_keys.CORRECTIONS)
    if known is not None:
        table = pd.concat([known.astype({"n_cells": np.int64}), table], ignore_index=True)
    table.index = table.index.astype(str)  # as anndata's files hold it
    return table
