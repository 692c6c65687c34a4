"""Examples of the generation of a neighbour of given cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from ..cells import SpatialGraph
from ..tasks import NeighbourGeneration, NeighbourGenerationExample, TrainingExample
from ._cell_groups import CellGroups, random_size
from ._examples import Examples, Pool, every_row, shown_genes
from ._hidden_cells import hide_in_cells, training_share
from ._neighbourhoods import Neighbours, graph_of


class NeighbourGenerationExamples(Examples):
    """Examples of the generation of a neighbour: some cells of a neighbourhood are shown, another one is the truth."""

    task: NeighbourGeneration
    task_class = NeighbourGeneration

    @property
    def has_truth(self) -> bool:
        """Real neighbours are what is generated."""
        return True

    @cached_property
    def graph(self) -> SpatialGraph:
        """The neighbours of every cell."""
        return graph_of(self.cells, self.task)

    @cached_property
    def _prompts(self) -> CellGroups:
        return CellGroups(self.cells, None, n_cells=self.task.n_cells, n_genes=self.task.n_genes)

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Cells with a neighbour."""
        neighbours = Neighbours(self.graph, rows & self.cells.readable)
        found = self._with_neighbours(neighbours, rows)
        return Pool(found, np.ones(len(found)), partial(self._training_example, neighbours))

    def _with_neighbours(self, neighbours: Neighbours, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        found = [row for row in np.flatnonzero(rows & self.cells.readable).tolist() if neighbours.n_members(row)]
        if not found:
            raise ValueError(f"the task {self.task.name!r} has no cell with a neighbour: pass a larger radius=")
        return np.array(found, dtype=np.int64)

    def _training_example(
        self, neighbours: Neighbours, row: int, genes: list[str], rng: np.random.Generator
    ) -> TrainingExample:
        """Half of the examples show some genes or cells and hide the others, half reconstruct from the answer alone."""
        alone, fraction = training_share(rng)
        return TrainingExample(self.task, self._example(neighbours, row, genes, rng, alone, fraction, with_truth=True))

    def _example(
        self,
        neighbours: Neighbours,
        row: int,
        genes: Sequence[str],
        rng: np.random.Generator,
        alone: bool,
        fraction: float,
        *,
        with_truth: bool,
    ) -> NeighbourGenerationExample:
        """The cell and some of its neighbours, without one that is the truth."""
        n_cells = random_size(min(self.task.n_cells, 1 + neighbours.n_members(row)), 2, rng)
        target, *others = neighbours.sample(row, n_cells - 1, rng)
        rows, sentences = self._prompts.training_sentences(row, genes, others, rng, n_generated=1)
        truth = self._prompts.sentences([target, *rows])[0]
        parts = hide_in_cells(sentences, fraction, self.task.hidden, alone=alone, rng=rng, n_shown=1)
        return NeighbourGenerationExample(
            **parts._asdict(),
            n_genes=len(truth),
            truth=truth if with_truth else None,
            context=self._prompts.context([target, *rows]),
        )

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """The neighbours of every cell once, in random order, then again."""
        usable = np.asarray(self.cells.readable)
        neighbours, found = Neighbours(self.graph, usable), []
        alone, fraction = self.duality.context == "label", self.duality.hidden_fraction
        for row in every_row(self._with_neighbours(neighbours, usable), n, rng):
            genes = shown_genes(self.cells, row, rng, augment=augment)
            example = self._example(neighbours, row, genes, rng, alone, fraction, with_truth=with_truth)
            found.append(TrainingExample(self.task, example, unit=str(self.cells.names[row])))
        return found
