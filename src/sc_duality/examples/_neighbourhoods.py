"""Which cells make up a group of a training example, and which do not belong to it: by space, or by a label."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells import SpatialGraph
from ..tasks import NeighbourhoodTask
from ._model_cells import ModelCells


def graph_of(cells: ModelCells, task: NeighbourhoodTask) -> SpatialGraph:
    """The neighbours of every cell by the settings of a task."""
    return cells.spatial_graph(
        radius=task.radius,
        spatial_key=task.spatial_key,
        library_key=task.library_key,
        connectivity_key=task.connectivity_key,
    )


class Belonging(Protocol):
    """Which usable cells belong to a cell."""

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Cells that may be shown, (n_obs,)."""

    def n_members(self, row: int) -> int:
        """Number of usable cells that belong to the cell ``row``, without it."""

    def sample(self, row: int, n: int, rng: np.random.Generator) -> list[int]:
        """``n`` random ones of them."""

    def is_outside(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of ``rows`` does not belong to the cell ``row``."""


class Neighbours:
    """The neighbours of a cell belong to it.

    Parameters
    ----------
    graph
        The neighbours of every cell.
    usable
        Cells that may be shown, (n_obs,): those that the model can read, without held-out ones.
    """

    def __init__(self, graph: SpatialGraph, usable: NDArray[np.bool_]) -> None:
        self._graph, self.usable = graph, usable & (graph.samples != None)  # noqa: E711

    def of(self, row: int) -> NDArray[np.int64]:
        """Rows of the usable neighbours, the nearest first."""
        rows = self._graph.neighbours(row)
        return rows[self.usable[rows]]

    def n_members(self, row: int) -> int:
        """Number of usable neighbours."""
        return len(self.of(row))

    def sample(self, row: int, n: int, rng: np.random.Generator) -> list[int]:
        """``n`` random usable neighbours."""
        return [int(one) for one in rng.choice(self.of(row), n, replace=False)]

    def is_outside(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of ``rows`` is neither the cell nor a neighbour."""
        return ~np.isin(rows, self._graph.neighbours(row)) & (rows != row)


class SameLabel:
    """Cells of a sample with the label of a cell belong to it.

    Parameters
    ----------
    labels
        Label of each cell, ``None`` where missing.
    samples
        Sample of each cell.
    usable
        Cells that may be shown, (n_obs,).
    """

    def __init__(self, labels: NDArray[Any], samples: NDArray[Any], usable: NDArray[np.bool_]) -> None:
        self._labels, self._samples = labels, samples
        self.usable = usable & (labels != None) & (samples != None)  # noqa: E711

    @cached_property
    def _members(self) -> dict[tuple[Any, Any], NDArray[np.int64]]:
        rows = np.flatnonzero(self.usable)
        table = pd.DataFrame({"sample": self._samples[rows], "label": self._labels[rows]}, dtype=object)
        return {pair: rows[np.sort(at)] for pair, at in table.groupby(["sample", "label"]).indices.items()}

    def _of(self, row: int) -> NDArray[np.int64]:
        return self._members.get((self._samples[row], self._labels[row]), np.array([], dtype=np.int64))

    def n_members(self, row: int) -> int:
        """Number of other cells with the label."""
        return max(0, len(self._of(row)) - 1)

    def sample(self, row: int, n: int, rng: np.random.Generator) -> list[int]:
        """``n`` random other cells with the label."""
        rows = self._of(row)
        drawn = rng.choice(rows, min(n + 1, len(rows)), replace=False)
        return [int(one) for one in drawn[drawn != row][:n]]

    def is_outside(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of ``rows`` has another label."""
        return np.asarray(self._labels[rows] != self._labels[row])
