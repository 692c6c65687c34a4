"""Accuracy on puzzles by number of cells, and its distribution over puzzles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..cells import adata_keys
from ..get import puzzle_scores
from ..get import puzzles as scores_of_puzzles
from ._common import PALETTE

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: Panels by name, with the label of their axis of scores.
LABELS = {
    "cell_accuracy": "cell accuracy (fraction)",
    "batch_accuracy": "batch accuracy (fraction)",
    "distribution": "cell accuracy of each puzzle",
}


def puzzles(
    adata: AnnData | MuData,
    keys: str | Sequence[str] | Mapping[str, str] = adata_keys.ANNOTATION,
    truth: str | None = None,
    *,
    groupby: str = adata_keys.PUZZLE,
    panels: Sequence[str] | None = None,
    mod: str = "rna",
) -> dict[str, Axes]:
    """Accuracy of predicted labels on puzzles, by number of cells and as a distribution over puzzles.

    As in Cell-o1, figure 4: (A) mean cell and batch accuracy of the puzzles of each number of cells, with 95 %
    intervals, and the accuracy of a random assignment as a dotted line; (B) cell accuracy of each puzzle, as a box with
    the median and the quartiles, whiskers to the farthest puzzle within 1.5 interquartile ranges, and the mean (dot).

    Parameters
    ----------
    adata
        Annotated puzzles.
    keys
        ``obs`` columns with predicted labels, up to 7. Pass a mapping for other names in the figure:
        ``{"one by one": "annotation_independent", "joint": "annotation"}``.
    truth, groupby
        As for :func:`sc_duality.get.puzzle_scores`.
    panels
        Names of the panels to draw; by default all.
    mod
        Modality of a MuData.

    Returns
    -------
    The axes by panel: ``"cell_accuracy"``, ``"batch_accuracy"`` and ``"distribution"``.

    Raises
    ------
    KeyError
        There are no such columns, or no such panel.
    ValueError
        There are no keys or more than 7, or no cell has a puzzle and a true label.

    See Also
    --------
    training : rewards, response length and accuracy while a model trains (Cell-o1, figure 5).

    Examples
    --------
    >>> import sc_duality as sd
    >>> puzzles = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=9, n_cells=(3, 5))
    >>> puzzles.obs["annotation"] = puzzles.obs["candidate"]
    >>> list(sd.pl.puzzles(puzzles))
    ['cell_accuracy', 'batch_accuracy', 'distribution']
    """
    listed = [keys] if isinstance(keys, str) else keys
    named = dict(listed) if isinstance(listed, Mapping) else {name: name for name in listed}
    if not 1 <= len(named) <= len(PALETTE):
        raise ValueError(f"there are {len(named)} keys: pass 1 to {len(PALETTE)}")
    chosen = list(LABELS) if panels is None else [panels] if isinstance(panels, str) else list(panels)
    if not chosen or any(name not in LABELS for name in chosen):
        raise KeyError(f"panels={chosen}: choose from {', '.join(LABELS)}")
    by_puzzle = {name: scores_of_puzzles(adata, key, truth, groupby=groupby, mod=mod) for name, key in named.items()}
    means = {name: puzzle_scores(adata, key, truth, groupby=groupby, mod=mod) for name, key in named.items()}

    ratios = [max(0.9 + 0.5 * len(named), 1.8) if name == "distribution" else 3.2 for name in chosen]
    figure, grid = plt.subplots(
        1, len(chosen), figsize=(max(sum(ratios), 3.5), 3.2), layout="constrained", squeeze=False, width_ratios=ratios
    )
    axes = dict(zip(chosen, grid[0], strict=True))
    for name, ax in axes.items():
        if name == "distribution":
            _draw_distribution(ax, {one: table["cell_accuracy"].to_numpy() for one, table in by_puzzle.items()})
        else:
            _draw_by_size(ax, name, means)
        ax.set(ylabel=LABELS[name], ylim=(-0.03, 1.03))
        ax.spines[["top", "right"]].set_visible(False)
    if len(named) > 1 and set(chosen) != {"distribution"}:
        handles = next(ax for name, ax in axes.items() if name != "distribution").get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper left", ncols=len(named), frameon=False)
    return axes


def _draw_by_size(ax: Axes, metric: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Mean of each number of cells with its interval, a little apart for each result."""
    n = len(tables)
    for i, (name, table) in enumerate(tables.items()):
        rows = table[(table["metric"] == metric) & (table["n_cells"] != "all")]
        sizes = rows["n_cells"].astype(int).to_numpy()
        x = sizes + 0.12 * (i - (n - 1) / 2)
        ax.vlines(x, rows["low"], rows["high"], color=PALETTE[i], linewidth=1.2)
        ax.plot(x, rows["value"], marker="o", markersize=4, linewidth=1.2, color=PALETTE[i], label=name)
        if i == 0:
            ax.plot(sizes, _chance(metric, sizes), linestyle=":", color="0.5", linewidth=1)
    ax.set_xlabel("cells of a puzzle")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _chance(metric: str, sizes: np.ndarray) -> np.ndarray:
    """Accuracy of a random order of the candidates: 1 / N a cell, and 1 / N! a puzzle."""
    return 1 / sizes if metric == "cell_accuracy" else np.array([1 / np.prod(np.arange(1.0, n + 1)) for n in sizes])


def _draw_distribution(ax: Axes, values: Mapping[str, np.ndarray]) -> None:
    names = list(values)
    mean = {"marker": "o", "markerfacecolor": "0.2", "markeredgecolor": "white", "markersize": 5}
    boxes = ax.boxplot(
        list(values.values()),
        tick_labels=names,
        patch_artist=True,
        widths=0.6,
        showmeans=True,
        meanprops=mean,
        medianprops={"color": "0.2", "linewidth": 1.5},
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": "0.5"},
    )
    for box, color in zip(boxes["boxes"], PALETTE, strict=False):
        box.set(facecolor=color, alpha=0.6, edgecolor="0.2")
    if max(map(len, names)) > 10 and len(names) > 1:
        ax.tick_params(axis="x", rotation=30)
