"""Examples of tasks on whether several cells belong together."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cells import SpatialGraph, spatial_samples
from ..tasks import CellGroupExample, SameGroup, Task, TrainingExample
from ._cell_groups import CellGroups, members_of, random_size
from ._cell_pools import CellPools
from ._examples import Pool, every_row, shown_genes
from ._group_predictions import GroupPredictions, group_settings
from ._hidden_cells import GroupParts, hide_in_cells, training_share
from ._neighbourhoods import Belonging, graph_of

logger = logging.getLogger(__name__)

#: The answers.
YES, NO = "yes", "no"
#: Share of training examples whose cells belong together, and of the others that are matched by cell type.
_P_YES, _P_MATCHED = 0.5, 0.5


class SameGroupExamples(GroupPredictions):
    """Examples of a task on whether several cells belong together."""

    task: SameGroup

    @abstractmethod
    def belonging(self, usable: NDArray[np.bool_], *, with_truth: bool) -> Belonging:
        """Which of these cells belong to a cell."""

    @property
    def labels(self) -> dict[str, str]:
        """The answers."""
        return {YES: YES, NO: NO}

    def answer_labels(self, answer: str) -> tuple[str, ...]:
        """The answer."""
        return (answer,)

    def read_labels(self, text: str) -> str:
        """The answer."""
        return text

    def group_example(
        self, parts: GroupParts, context: Mapping[str, str], truth: str | None = None
    ) -> CellGroupExample:
        """Cells with the two answers."""
        return CellGroupExample(**parts._asdict(), options=(YES, NO), truth=truth, context=context)

    def predict_groups(self, seed: int) -> dict[str, Any]:
        """One example a group by its name, or an error if a group has fewer than two cells."""
        found = super().predict_groups(seed)
        few = [name for name, one in found.items() if one is None or len(one.cells) < 2]
        if few:
            raise ValueError(
                f"the task {self.task.name!r} compares the cells of a group, and {len(few)} groups of "
                f"groupby={self.task.groupby!r} have fewer than two cells that the model can read, such as {few[0]!r}: "
                "leave these cells out"
            )
        return found

    @cached_property
    def graph(self) -> SpatialGraph:
        """The neighbours of every cell."""
        return graph_of(self.cells, self.task)

    @cached_property
    def samples(self) -> NDArray[Any]:
        """The sample of each cell."""
        return spatial_samples(self.cells.adata, self.task.library_key)

    @cached_property
    def _prompts(self) -> CellGroups:
        """The cells and genes of a prompt of training, whose groups no column names."""
        most, n_genes = self.task.n_cells, self.task.n_genes
        return CellGroups(self.cells, None, n_cells=most, n_genes=n_genes, further=self._option_tokens())

    @cached_property
    def _facts(self) -> dict[str, dict[str, str]]:
        """The facts that all cells of a sample share: facts that differ between its cells would tell the answer."""
        rows = members_of(self.samples, self.cells.readable)
        return {sample: self._prompts.context(cells.tolist()) for sample, cells in rows.items()}

    def _pools(self, belonging: Belonging) -> CellPools:
        kind = self.task.cell_type
        types = None if kind is None else self.cells.column(kind, "cell_type")
        if types is None:
            logger.warning(
                "%s: cells that do not belong together are not matched by type: pass cell_type=", self.task.name
            )
        return CellPools(self.samples, types, belonging.usable)

    def _rows(self, belonging: Belonging, pools: CellPools) -> NDArray[np.int64]:
        """Cells to which others belong, and others do not."""
        n_members = ((row, belonging.n_members(row)) for row in np.flatnonzero(belonging.usable).tolist())
        found = [row for row, n in n_members if n and pools.n_others(row) > n]
        if not found:
            raise ValueError(
                f"the task {self.task.name!r} has no cell to which other cells of its sample belong while others do "
                "not: pass another radius=, more cells, or samples with several niches"
            )
        return np.array(found, dtype=np.int64)

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Cells with others that belong to them."""
        belonging = self.belonging(rows & self.cells.readable, with_truth=True)
        pools = self._pools(belonging)
        found = self._rows(belonging, pools)
        return Pool(found, np.ones(len(found)), partial(self._training_example, belonging, pools))

    def _training_example(
        self, belonging: Belonging, pools: CellPools, row: int, genes: list[str], rng: np.random.Generator
    ) -> TrainingExample:
        """Half of the examples show some genes or cells and hide the others, half reconstruct from the answer alone."""
        alone, fraction = training_share(rng)
        example = self._example(belonging, pools, row, genes, (alone, fraction), rng)
        return TrainingExample(self.task, example, (NO if example.truth == YES else YES,))

    def _example(
        self,
        belonging: Belonging,
        pools: CellPools,
        row: int,
        genes: list[str],
        hidden: tuple[bool, float],
        rng: np.random.Generator,
    ) -> CellGroupExample:
        """A cell with others; ``hidden`` says whether the dual task shows the answer alone, and the fraction hidden."""
        others, truth = self._others(belonging, pools, row, rng)
        _, sentences = self._prompts.training_sentences(row, genes, others, rng)
        parts = hide_in_cells(sentences, hidden[1], self.task.hidden, alone=hidden[0], rng=rng, n_shown=2)
        return self.group_example(parts, self._facts[self.samples[row]], truth)

    def _others(
        self, belonging: Belonging, pools: CellPools, row: int, rng: np.random.Generator
    ) -> tuple[list[int], str]:
        """Rows of cells to show with a cell, and whether they belong to it; both answers have as many cells."""
        most = min(self.task.n_cells, 1 + belonging.n_members(row))
        others = belonging.sample(row, random_size(most, 2, rng) - 1, rng)
        if rng.random() < _P_YES:
            return others, YES
        outside = partial(belonging.is_outside, row)
        if pools.types is not None and rng.random() < _P_MATCHED:
            return pools.sample_like(row, others, outside, rng), NO
        return pools.sample(row, len(others), outside, rng), NO

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Cells around every cell, or cells that do not belong to it, once, in random order, then again."""
        belonging = self.belonging(self.cells.readable, with_truth=with_truth)
        pools = self._pools(belonging)
        hidden, found = (self.duality.context == "label", self.duality.hidden_fraction), []
        for row in every_row(self._rows(belonging, pools), n, rng):
            genes = shown_genes(self.cells, row, rng, augment=augment)
            example = self._example(belonging, pools, row, genes, hidden, rng)
            example = example if with_truth else replace(example, truth=None)
            found.append(TrainingExample(self.task, example, unit=str(self.cells.names[row])))
        return found

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the settings of an earlier result."""
        return cls.task_class(**group_settings(params))
