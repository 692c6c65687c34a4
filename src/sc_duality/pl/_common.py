"""Axes, colours and columns of labels, which every figure needs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from .._validation import is_missing
from ..cells import adata_keys, display_names, in_memory, label_colors, text_column
from ..cells import column as obs_column

#: The palette of Okabe and Ito, safe for colour-blind readers, without its yellow, which is too pale on white.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
#: Colour of data, and of what is drawn over data.
DATA, LINE = PALETTE[0], PALETTE[3]
#: More groups than this are unreadable in one figure.
MAX_GROUPS = 100
#: Start of an error for a missing column that sd.tl.annotate writes.
RUN_ANNOTATE = "run sd.tl.annotate(adata) first, or "


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return ``ax``, or the axes of a new figure of ``size`` inches."""
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def groups(adata: AnnData, column: str, *, hint: str = "") -> pd.Series:
    """Return ``obs[column]`` as a categorical of strings, by row number: names of cells need not be unique.

    ``hint`` goes first in the error for a missing column.
    """
    if not isinstance(column, str):
        raise TypeError(f"{column!r} must be the name of one obs column")
    if column not in adata.obs:
        raise KeyError(f"obs has no column {column!r}: {hint}choose one of {_candidates(adata)}")
    texts = text_column(adata, column)
    if texts.nunique() > MAX_GROUPS:
        raise ValueError(
            f"obs[{column!r}] has {texts.nunique()} different values, more than the maximum of {MAX_GROUPS}: "
            f"choose one of {_candidates(adata)}"
        )
    if texts.isna().all():
        raise ValueError(f"nothing to draw: obs[{column!r}] is missing for every cell")
    order = obs_column(adata, column).astype("category").cat.categories
    names = list(dict.fromkeys(str(name) for name in order if not is_missing(name)))
    return pd.Series(pd.Categorical(texts, categories=names))


def colors(adata: AnnData, column: str, labels: Sequence[str]) -> list[str]:
    """The colour of each label: that in ``uns[column + "_colors"]``, else the colour of the cell type."""
    own = adata.uns.get(adata_keys.colors(column))
    order = groups(adata, column).cat.categories
    if own is None or len(own) != len(order):
        return label_colors(labels)
    by_label = dict(zip(order, map(str, np.asarray(own)), strict=True))
    return [by_label[label] for label in labels]


def short_names(labels: Iterable[str]) -> dict[str, str]:
    """The name of each label in figures."""
    names = list(labels)
    return dict(zip(names, display_names(names), strict=True))


def numbers(adata: AnnData, column: str, *, hint: str) -> pd.Series:
    """Return ``obs[column]`` as floats, by row number; ``hint`` ends the error for a missing column."""
    if column not in adata.obs:
        raise KeyError(f"obs has no column {column!r}: {hint}")
    values = obs_column(adata, column)
    try:
        return pd.Series(values.to_numpy(dtype=float, na_value=np.nan))
    except (TypeError, ValueError):
        raise ValueError(f"obs[{column!r}] must hold numbers, but has dtype {values.dtype}") from None


def _candidates(adata: AnnData) -> list[Hashable]:
    """Columns of ``obs`` that hold labels."""
    return [
        name
        for name, values in in_memory(adata.obs).items()
        if not pd.api.types.is_numeric_dtype(values) and values.nunique() <= MAX_GROUPS
    ]
