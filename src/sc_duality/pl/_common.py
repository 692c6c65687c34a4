"""What every figure needs: axes, colours that all eyes tell apart, and columns of labels."""

from __future__ import annotations

from collections.abc import Hashable

import matplotlib.pyplot as plt
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

#: Two colours of Okabe and Ito's palette: data, and what is drawn over data.
DATA = "#0072B2"
LINE = "#D55E00"
#: More groups than this cannot be read in one figure.
MAX_GROUPS = 100


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes to draw on: ``ax``, or those of a new figure of ``size`` inches."""
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def groups(adata: AnnData, column: Hashable, *, mend: str = "") -> pd.Series:
    """``obs[column]`` as a categorical of names; ``mend`` is said first when there is no such column."""
    if column not in adata.obs:
        raise KeyError(f"obs has no column {column!r}: {mend}choose one of {_candidates(adata)}")
    values = adata.obs[column]
    if values.nunique() > MAX_GROUPS:
        raise ValueError(
            f"obs[{column!r}] has {values.nunique()} different values, more than the {MAX_GROUPS} that can be drawn: "
            f"choose one of {_candidates(adata)}"
        )
    if values.isna().all():
        raise ValueError(f"nothing to draw: obs[{column!r}] is missing for every cell")
    named = values.astype("category")
    return named.cat.rename_categories(named.cat.categories.astype(str))


def _candidates(adata: AnnData) -> list[Hashable]:
    """Columns of ``obs`` that hold labels."""
    return [
        name
        for name, values in adata.obs.items()
        if not pd.api.types.is_numeric_dtype(values) and values.nunique() <= MAX_GROUPS
    ]
