"""Axes, colours and columns of labels, which every figure needs."""

from __future__ import annotations

from collections.abc import Hashable

import matplotlib.pyplot as plt
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

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


def groups(adata: AnnData, column: Hashable, *, hint: str = "") -> pd.Series:
    """Return ``obs[column]`` as a categorical of strings; ``hint`` goes first in the error for a missing column."""
    if column not in adata.obs:
        raise KeyError(f"obs has no column {column!r}: {hint}choose one of {_candidates(adata)}")
    values = adata.obs[column]
    if values.nunique() > MAX_GROUPS:
        raise ValueError(
            f"obs[{column!r}] has {values.nunique()} different values, more than the maximum of {MAX_GROUPS}: "
            f"choose one of {_candidates(adata)}"
        )
    if values.isna().all():
        raise ValueError(f"nothing to draw: obs[{column!r}] is missing for every cell")
    labels = values.astype("category")
    return labels.cat.rename_categories(labels.cat.categories.astype(str))


def _candidates(adata: AnnData) -> list[Hashable]:
    """Columns of ``obs`` that hold labels."""
    return [
        name
        for name, values in adata.obs.items()
        if not pd.api.types.is_numeric_dtype(values) and values.nunique() <= MAX_GROUPS
    ]
