"""Examples of the niche of a cell, which is shown with its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..duality import Duality
from ..tasks import Niche, NicheExample, Task, TrainingExample
from ._cell_groups import CellGroups
from ._examples import Pool
from ._hidden_genes import CellParts
from ._label_task import LabelExamples
from ._model_cells import ModelCells
from ._neighbourhoods import Neighbours, graph_of
from ._results import param_list

#: Settings of the task that a result keeps.
_SETTINGS = ("radius", "spatial_key", "library_key", "connectivity_key", "n_cells")


class NicheExamples(LabelExamples):
    """Examples of the niche of a cell: the cell with its nearest neighbours, or alone with ``n_cells=1``."""

    task: Niche
    task_class = Niche

    def __init__(self, task: Niche, cells: ModelCells, duality: Duality | None = None) -> None:
        super().__init__(task, cells, duality)
        #: The neighbours of every cell; ``None`` where cells are shown alone.
        self._graph = None if task.n_cells == 1 else graph_of(cells, task)

    @cached_property
    def _prompts(self) -> CellGroups:
        """The cells and genes of a prompt."""
        labels = self.labels
        has_tokens = self.cells.spec.genes is not None
        further = len(labels) if has_tokens else sum(map(len, labels)) + 8 * len(labels)
        return CellGroups(self.cells, None, n_cells=self.task.n_cells, n_genes=self.task.n_genes, further=further)

    @property
    def n_genes(self) -> int:
        """Genes of each cell: as many as fit with those of the neighbours."""
        return self._prompts.n_genes(self.task.n_cells)

    def example(
        self,
        parts: CellParts,
        *,
        context: Mapping[str, str],
        options: Sequence[str] | None = None,
        truth: str | None = None,
    ) -> NicheExample:
        """The example of one cell."""
        return NicheExample(**self.fields(parts, context, options, truth))

    @cached_property
    def _neighbours(self) -> Neighbours | None:
        return self._usable_neighbours(self.cells.readable)

    def _usable_neighbours(self, usable: NDArray[np.bool_]) -> Neighbours | None:
        return None if self._graph is None else Neighbours(self._graph, usable)

    def with_other_cells(self, example: Any, row: int) -> Any:
        """The example with the nearest neighbours."""
        return self._with_neighbours(example, self._neighbours, row)

    def _with_neighbours(self, example: Any, neighbours: Neighbours | None, row: int) -> Any:
        rows = [] if neighbours is None else neighbours.of(row)[: self.task.n_cells - 1].tolist()
        found = tuple(map(tuple, self.cells.genes(rows, n_genes=self.n_genes))) if rows else ()
        return replace(example, neighbours=found)

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """As of other label tasks; neighbours are among ``rows`` too."""
        neighbours = self._usable_neighbours(rows & self.cells.readable)
        return super().labelled(rows)._replace(example=partial(self._surrounded, neighbours))

    def _surrounded(
        self, neighbours: Neighbours | None, row: int, genes: list[str], rng: np.random.Generator
    ) -> TrainingExample:
        one = self._training_example(row, genes, rng)
        return one._replace(example=self._with_neighbours(one.example, neighbours, row))

    def settings(self) -> dict[str, Any]:
        """Which cells are neighbours, and how many cells and genes prompts show."""
        kept = {name: getattr(self.task, name) for name in _SETTINGS}
        kept["radius"] = None if self._graph is None else self._graph.radius
        return {**kept, "n_genes_per_cell": self.n_genes, "context_length": self.cells.spec.context_length}

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the settings and labels of an earlier result."""
        settings = {name: params[name] for name in _SETTINGS if params.get(name) is not None}
        settings["n_cells"], n_genes = int(params["n_cells"]), int(params["n_genes_per_cell"])
        if "radius" in settings:
            settings["radius"] = float(settings["radius"])
        return cls.task_class(labels=param_list(params, "labels"), n_genes=n_genes, **settings)
