"""Dots of expression, groups × genes: their size, the name of a row, and the legend of sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

#: Area of the dot of a gene that all cells express, in points².
MAX_AREA = 150
#: Place and look of a legend above the axes.
ABOVE: dict[str, Any] = {
    "loc": "lower left",
    "frameon": False,
    "fontsize": 8,
    "handletextpad": 0.3,
    "columnspacing": 1.2,
    "borderaxespad": 0.2,
}


def scaled(mean: pd.DataFrame) -> pd.DataFrame:
    """Mean expression as a fraction of that of the group where it is largest."""
    return mean / mean.max().replace(0, np.nan)


def row_title(group: str, label: str, n_cells: int) -> str:
    """The name of a row: the group with its label and its number of cells."""
    return f"{label} ({n_cells:,})" if group == label else f"{group}: {label} ({n_cells:,})"


def size_legend() -> tuple[list[Line2D], list[str]]:
    """Dots of the legend of sizes, with their texts."""
    look: dict[str, Any] = {"linestyle": "", "marker": "o", "color": "0.75", "markeredgecolor": "0.5"}
    sizes = [Line2D([], [], markersize=np.sqrt(MAX_AREA * share), **look) for share in (0.25, 0.5, 1)]
    return sizes, ["25 %", "50 %", "100 % of cells express the gene"]
