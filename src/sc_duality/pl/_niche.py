"""Predicted niches in space, next to the true ones."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ..cells import UNKNOWN_COLOR, adata_keys, is_labelled, modality, spatial_coordinates, spatial_samples
from ._common import PALETTE, colors, groups, short_names

if TYPE_CHECKING:
    from mudata import MuData

#: Start of an error for a missing column of predictions.
_RUN_PREDICT = "run sd.tl.predict(adata, 'niche', model) first, or "
#: Height of a panel in inches, and the limits of its width as a multiple of it.
_HEIGHT, _MIN_WIDTH, _MAX_WIDTH = 4.0, 0.5, 2.0
#: Area of all points of a panel together, in square points, and the limits of one.
_AREA, _MIN_SIZE, _MAX_SIZE = 24000.0, 1.0, 40.0


def niche(
    adata: AnnData | MuData,
    truth: str | None = None,
    *,
    key: str = adata_keys.NICHE,
    spatial_key: str = adata_keys.SPATIAL,
    library_key: str | None = None,
    size: float | None = None,
    mod: str = "rna",
) -> dict[str, Axes]:
    """Draw the predicted niche of every cell in space, next to the true one.

    A point is a cell, in the colour of its niche; a label has the same colour in both panels. As in images, y increases
    downwards. Cells without a label are grey.

    Parameters
    ----------
    adata
        Cells with niches of :func:`sc_duality.tl.predict`, or with any other labels.
    truth
        ``obs`` column with the true niches; without it, only the predictions are drawn.
    key
        ``obs`` column with the predicted niches.
    spatial_key
        ``obsm`` array of the coordinates; of three columns, the first two are drawn.
    library_key
        ``obs`` column of the samples (slides, sections): each sample has a row of panels.
    size
        Area of a point in square points; by default smaller for more cells.
    mod
        Modality of a MuData, or table of a SpatialData.

    Returns
    -------
    The axes of each panel by the name of its column, or with ``library_key`` by sample and column, such as
    ``"slide 1: niche"``; so also for a table of SpatialData that names several samples. The title of predictions is the
    share of cells with the true label; ``unknown`` and missing predictions count as different, cells without a true
    label do not count.

    Raises
    ------
    KeyError
        There are no such columns or coordinates.
    ValueError
        A column has no labels or more than 100, or coordinates are missing.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> adata.obsm["spatial"] = np.random.default_rng(0).uniform(size=(adata.n_obs, 2))
    >>> adata.obs["niche"] = adata.obs["region"] = adata.obs["cell_type"]
    >>> list(sd.pl.niche(adata, "region"))
    ['region', 'niche']
    """
    adata = modality(adata, mod)
    columns = {
        name: groups(adata, name, hint=_RUN_PREDICT if name == key else "")
        for name in dict.fromkeys([truth, key])
        if name
    }
    positions = spatial_coordinates(adata, spatial_key)[:, :2]
    samples = spatial_samples(adata, library_key)
    rows = {str(name): np.flatnonzero(samples == name) for name in sorted({one for one in samples if one is not None})}
    if not rows:
        raise ValueError(f"nothing to draw: obs[{library_key!r}] is missing for every cell")

    is_named = library_key is not None or len(rows) > 1
    palette = _palette(adata, columns)
    panels = _panels(len(rows), len(columns), positions[next(iter(rows.values()))])
    found: dict[str, Axes] = {}
    for (sample, cells), line in zip(rows.items(), panels, strict=True):
        for (name, labels), ax in zip(columns.items(), line, strict=True):
            _draw(ax, positions[cells], labels.iloc[cells], palette, size)
            title = name if truth is None or name == truth else f"{name}\n{_agreement(columns[truth], labels, cells)}"
            ax.set_title(f"{sample}\n{title}" if is_named else title, parse_math=False)
            found[f"{sample}: {name}" if is_named else name] = ax
    _legend(panels[0, -1], palette)
    return found


def _palette(adata: AnnData, columns: dict[str, pd.Series]) -> dict[str, str]:
    """One colour a label: those in ``uns`` first, then others that differ clearly from each other."""
    names = {
        column: list(values.cat.categories.drop(adata_keys.UNKNOWN, errors="ignore"))
        for column, values in columns.items()
    }
    own: dict[str, str] = {}
    for column, labels in names.items():
        if adata_keys.colors(column) in adata.uns:
            taken = set(own.values())
            chosen = dict(zip(labels, map(to_hex, colors(adata, column, labels)), strict=True))
            own = {label: color for label, color in chosen.items() if color not in taken} | own
    every = list(dict.fromkeys(chain.from_iterable(names.values())))
    free = (color for color in _distinct(len(every)) if color not in own.values())
    return {label: own[label] if label in own else next(free) for label in every}


def _distinct(n: int) -> list[str]:
    """``n`` colours: those of a qualitative palette, or of the whole circle of hues for more than it has."""
    if n <= len(PALETTE):
        return [to_hex(color) for color in PALETTE[:n]]
    chosen = plt.get_cmap("tab20")(np.arange(n)) if n <= 20 else plt.get_cmap("hsv")(np.arange(n) / n)
    return [to_hex(color) for color in chosen]


def _panels(n_rows: int, n_columns: int, positions: NDArray[np.float64]) -> NDArray[np.object_]:
    extent = np.ptp(positions, axis=0)
    width = _HEIGHT * float(np.clip(extent[0] / (extent[1] or 1.0), _MIN_WIDTH, _MAX_WIDTH))
    size = (n_columns * (width + 0.3) + 2.2, n_rows * (_HEIGHT + 0.4))
    panels: NDArray[np.object_] = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False)[1]
    return panels


def _draw(
    ax: Axes, positions: NDArray[np.float64], labels: pd.Series, palette: dict[str, str], size: float | None
) -> None:
    found = [palette.get(label, UNKNOWN_COLOR) for label in labels.astype(object)]
    area = float(np.clip(_AREA / len(positions), _MIN_SIZE, _MAX_SIZE)) if size is None else size
    ax.scatter(positions[:, 0], positions[:, 1], s=area, c=found, linewidths=0, rasterized=True)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.set(xticks=[], yticks=[])


def _agreement(true: pd.Series, predicted: pd.Series, cells: NDArray[np.int64]) -> str:
    """Share of these cells with the true label."""
    true, predicted = true.iloc[cells].astype(object), predicted.iloc[cells].astype(object)
    known = is_labelled(true)
    if not known.any():
        return "no cell has a true label"
    return f"{100 * (true[known] == predicted[known]).mean():.0f} % of {known.sum():,} cells agree"


def _legend(ax: Axes, palette: dict[str, str]) -> None:
    short = short_names(palette)
    points = [
        Line2D([], [], marker="o", linestyle="", color=color, label=short[name]) for name, color in palette.items()
    ]
    legend = ax.legend(handles=points, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=8)
    for text in legend.get_texts():
        text.set_parse_math(False)
