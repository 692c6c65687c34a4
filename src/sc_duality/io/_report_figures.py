"""The figures of a report, as PNG inside the page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .. import pl
from ..cells import UNKNOWN_COLOR, adata_keys, label_colors, optional_column, stored_evidence, text_column

#: Dots an inch: sharp on screens of high resolution and in print.
_DPI = 160
#: Pixels of the page an inch of a figure.
_PIXELS = 88
#: Labels in one column of the legend.
_LEGEND_ROWS = 18


class Picture(NamedTuple):
    """A figure inside the page."""

    #: A data URL.
    url: str
    #: Width in pixels of the page.
    width: int


def umap_figure(adata: AnnData, key: str) -> Picture | None:
    """The UMAP by label and, if there is one, by confidence; ``None`` without ``obsm["X_umap"]``."""
    if "X_umap" not in adata.obsm:
        return None
    points = np.asarray(adata.obsm["X_umap"])[:, :2].astype(float)
    order = np.random.default_rng(0).permutation(len(points))
    confidence = optional_column(adata, adata_keys.confidence(key))
    with _plain_style():
        n = 1 if confidence is None else 2
        figure, panels = plt.subplots(1, n, figsize=(5.6 * n + 1.2, 4.6), layout="constrained", squeeze=False)
        _draw_labels(panels[0, 0], adata, key, points, order)
        if confidence is not None:
            _draw_confidence(panels[0, 1], points, pd.to_numeric(confidence, errors="coerce").to_numpy(float), order)
        return _png(figure)


def evidence_figure(adata: AnnData, key: str) -> Picture | None:
    """The dotplot of the genes that decided; ``None`` if the labels are not explained."""
    if stored_evidence(adata, key) is None:
        return None
    with _plain_style():
        return _png(pl.evidence(adata, key).figure)


def confidence_figure(adata: AnnData, key: str) -> Picture | None:
    """Distribution of the confidence of each label; ``None`` without one."""
    confidence = optional_column(adata, adata_keys.confidence(key))
    if confidence is None or not (confidence.notna() & text_column(adata, key).notna().to_numpy()).any():
        return None
    with _plain_style():
        return _png(pl.confidence(adata, key=key).figure)


def _draw_labels(ax: Axes, adata: AnnData, key: str, points: np.ndarray, order: np.ndarray) -> None:
    labels = text_column(adata, key)
    names = list(labels.value_counts().index)
    colours = label_colours(adata, key, names)
    codes = labels.map({name: i for i, name in enumerate(names)}).fillna(len(names)).to_numpy(dtype=int)
    colour = np.array([*(colours[name] for name in names), UNKNOWN_COLOR])[codes]
    ax.scatter(
        points[order, 0], points[order, 1], s=_dot_area(len(points)), c=colour[order], linewidths=0, rasterized=True
    )
    shown = [(name, colours[name]) for name in names]
    if labels.isna().any():
        shown.append(("no prediction", UNKNOWN_COLOR))
    handles = [Line2D([], [], linestyle="", marker="o", markersize=5, color=colour) for _, colour in shown]
    ax.legend(
        handles,
        [name.replace("$", r"\$") for name, _ in shown],
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        ncols=-(-len(shown) // _LEGEND_ROWS),
        frameon=False,
        fontsize=8,
        handletextpad=0.2,
    )
    _set_axes(ax, "label")


def _draw_confidence(ax: Axes, points: np.ndarray, values: np.ndarray, order: np.ndarray) -> None:
    ax.scatter(points[:, 0], points[:, 1], s=_dot_area(len(points)), c=UNKNOWN_COLOR, linewidths=0, rasterized=True)
    known = order[~np.isnan(values[order])]
    dots = ax.scatter(
        points[known, 0],
        points[known, 1],
        s=_dot_area(len(points)),
        c=values[known],
        cmap="viridis",
        vmin=0,
        vmax=1,
        linewidths=0,
        rasterized=True,
    )
    ax.figure.colorbar(dots, ax=ax, shrink=0.7, aspect=18).ax.tick_params(labelsize=8)
    _set_axes(ax, "confidence")


def label_colours(adata: AnnData, key: str, names: Sequence[str]) -> dict[str, Any]:
    """The colours in ``uns[key + "_colors"]`` as in scanpy, or a palette; unknown cells are grey."""
    stored = np.asarray(adata.uns.get(f"{key}_colors", ()), dtype=object)
    column = optional_column(adata, key)
    is_categorical = column is not None and isinstance(column.dtype, pd.CategoricalDtype)
    categories = [str(name) for name in column.cat.categories] if column is not None and is_categorical else []
    if len(stored) == len(categories) > 0:
        found = dict(zip(categories, map(str, stored), strict=True))
    else:
        found = dict(zip(names, label_colors(names), strict=True))
    return {name: found.get(name, UNKNOWN_COLOR) for name in names}


def _set_axes(ax: Axes, title: str) -> None:
    ax.set(xticks=[], yticks=[], xlabel="UMAP 1", ylabel="UMAP 2", title=title)
    ax.set_aspect("equal", adjustable="datalim")
    ax.spines[["top", "right"]].set_visible(False)


def _dot_area(n: int) -> float:
    return float(np.clip(60_000 / n, 1, 30))


@contextmanager
def _plain_style() -> Iterator[None]:
    """The default style of matplotlib, whatever the user has set, and no window."""
    with plt.style.context("default"), plt.ioff():
        yield


def _png(figure: Any) -> Picture:
    """The figure as a data URL; the figure is closed."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, facecolor="white")
    plt.close(figure)
    url = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    return Picture(url, round(_PIXELS * figure.get_figwidth()))
