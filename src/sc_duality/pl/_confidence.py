"""Distribution of the confidence of predicted labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..cells import adata_keys, modality
from ._common import LINE, RUN_ANNOTATE, axes, colors, groups, numbers, short_names

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

BINS = np.linspace(0, 1, 21)


def confidence(
    adata: AnnData | MuData,
    *,
    key: str = adata_keys.ANNOTATION,
    groupby: str | None = None,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Distribution of the confidence of predicted labels, one row per label.

    A row is a histogram over the confidence (a probability, in bins of 0.05), scaled to its highest bin and in the
    colour of the label. Below it are the median (dot) and the interquartile range (bar). Rows are sorted by median,
    highest on top. Where there is an in-distribution probability, the confidence is multiplied by it: that is what
    decides. A dashed line marks the threshold below which cells were labelled ``unknown``, if there was one.

    Parameters
    ----------
    adata
        Annotated cells.
    key
        Column of ``obs`` with the predicted labels of :func:`sc_duality.tl.annotate`. The confidence is read from
        ``obs[f"{key}_confidence"]`` and multiplied by ``obs[f"{key}_in_distribution"]`` if there is one; the threshold
        is read from ``uns[key]["params"]["unknown"]``.
    groupby
        Column of ``obs`` whose labels are the rows; the predicted labels by default.
    mod
        Modality of a MuData.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    The axes. Cells without a confidence or a label are left out, and so are cells with a label set by hand. The row
    labels are short names (:func:`sc_duality.get.display_names`) with the number of cells.

    Raises
    ------
    KeyError
        ``obs`` lacks the predicted labels, their confidence, or ``groupby``.
    ValueError
        No cell has a confidence and a label, or a confidence is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> adata.obs["annotation"] = adata.obs["cell_type"]
    >>> adata.obs["annotation_confidence"] = np.linspace(0.3, 1, adata.n_obs)
    >>> sd.pl.confidence(adata).get_xlabel()
    'confidence (probability of the label)'
    """
    adata = modality(adata, mod)
    rows = _sorted_rows(_read(adata, key), groups(adata, groupby or key, hint="" if groupby else RUN_ANNOTATE))
    if not rows:
        raise ValueError(f"nothing to draw: no cell has both obs[{adata_keys.confidence(key)!r}] and a label")

    ax = axes(ax, (5.5, 1.2 + 0.45 * len(rows)))
    names = [name for name, _ in rows]
    short = short_names(names)
    for y, ((_, values), color) in enumerate(zip(rows, colors(adata, groupby or key, names), strict=True)):
        _draw_row(ax, y, values, color)
    _draw_threshold(ax, _threshold(adata, key))

    ax.set_yticks(range(len(rows)), [f"{short[name]} ({len(values):,})" for name, values in rows], parse_math=False)
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.6, -0.8))
    product = adata_keys.in_distribution(key) in adata.obs
    ax.set_xlabel("confidence × in-distribution probability" if product else "confidence (probability of the label)")
    ax.set(ylabel=f"{groupby or key} (cells)")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def _read(adata: AnnData, key: str) -> pd.Series:
    """Confidence of each cell, times its in-distribution probability if there is one."""
    column = adata_keys.confidence(key)
    values = numbers(adata, column, hint=f"run sd.tl.annotate(adata, key_added={key!r}) first")
    if not values.dropna().between(0, 1).all():
        raise ValueError(
            f"obs[{column!r}] ranges from {values.min():g} to {values.max():g}: pass probabilities from 0 to 1"
        )
    factor = adata_keys.in_distribution(key)
    return values * numbers(adata, factor, hint="") if factor in adata.obs else values


def _threshold(adata: AnnData, key: str) -> float | None:
    """The value below which cells were labelled unknown, if the tool has stored it."""
    result = adata.uns.get(key)
    params = result.get(adata_keys.PARAMS) if isinstance(result, Mapping) else None
    return params.get("unknown") if isinstance(params, Mapping) else None


def _sorted_rows(values: pd.Series, labels: pd.Series) -> list[tuple[str, np.ndarray]]:
    """Label and confidence values of each row, highest median first."""
    rows = [(name, members.to_numpy()) for name, members in values.dropna().groupby(labels, observed=True)]
    return sorted(rows, key=lambda row: -np.median(row[1]))


def _draw_row(ax: Axes, y: int, values: np.ndarray, color: str) -> None:
    counts, _ = np.histogram(values, BINS)
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    ax.axhline(y, color="0.85", linewidth=0.8, zorder=0)
    ax.stairs(y - 0.7 * counts / counts.max(), BINS, baseline=y, fill=True, color=color, alpha=0.7)
    ax.plot([low, high], [y + 0.1] * 2, color="0.2", linewidth=2.5, solid_capstyle="butt")
    ax.plot(median, y + 0.1, "o", color="0.2", markersize=6, markeredgecolor="white")


def _draw_threshold(ax: Axes, threshold: float | None) -> None:
    if not threshold:  # a threshold of 0 labels no cell unknown
        return
    ax.axvline(threshold, color=LINE, linestyle="--", linewidth=1.2)
    above = ax.get_xaxis_transform()
    ax.text(threshold, 1.01, f"unknown below {threshold:g}", color=LINE, ha="center", va="bottom", transform=above)
