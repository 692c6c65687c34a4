"""What examples of all tasks on groups of cells share: a sample, a cluster or a donor is the unit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..tasks import TrainingExample
from ._cell_groups import members_of
from ._examples import Pool, every_row, shown_genes
from ._group_predictions import GroupPredictions
from ._hidden_cells import hide_in_cells, training_share


class GroupExamples(GroupPredictions):
    """Examples of a task whose unit is a group of cells: sample, cluster, donor × batch."""

    @abstractmethod
    def cells_truth(self) -> NDArray[Any]:
        """The true label of each cell in the model's names, ``None`` where missing."""

    @abstractmethod
    def group_truth(self, rows: Sequence[int]) -> Any:
        """The true answer for these cells."""

    def wrong(self, truth: Any, rng: np.random.Generator) -> tuple[Any, ...]:
        """Wrong answers, which the dual task learns to tell from the true one."""
        return ()

    @cached_property
    def training_groups(self) -> NDArray[Any]:
        """The group of each cell whose cells make up an example together."""
        return self.cell_groups.group_of_cell

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Cells with a truth; a label is sampled in proportion to the square root of its number of cells."""
        truth = self.cells_truth()
        members = self._members(rows & (truth != None))  # noqa: E711
        found = np.sort(np.concatenate(list(members.values())))
        label = pd.Series(truth[found])
        weights = label.map(label.value_counts()).to_numpy(dtype=float) ** -0.5
        return Pool(found, weights, partial(self._group_example_of, members))

    def _members(self, rows: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
        """Rows of the readable cells of each group among ``rows``."""
        found = members_of(self.training_groups, rows & self.cells.readable)
        if not found:
            raise ValueError("no cell has a label, a group, and genes that the model knows")
        return found

    def _group_example_of(
        self, members: Mapping[str, NDArray[np.int64]], row: int, genes: list[str], rng: np.random.Generator
    ) -> TrainingExample:
        """Half of the examples show some genes or cells and hide the others, half reconstruct from the answer alone."""
        alone, fraction = training_share(rng)
        rows, sentences = self.cell_groups.training_cells(row, genes, members[self.training_groups[row]], rng)
        parts = hide_in_cells(sentences, fraction, self.task.hidden, alone=alone or len(rows) == 1, rng=rng, n_shown=1)
        truth = self.group_truth(rows)
        example = self._shown(rows, parts, truth)
        return TrainingExample(self.task, example, self.wrong(truth, rng))

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Cells of a group around every cell once, in random order, then again; ``with_truth``, of cells with one."""
        members = self._members(self.cells_truth() != None if with_truth else self.cells.readable)  # noqa: E711
        groups, found = self.training_groups, []
        alone, fraction = self.duality.context == "label", self.duality.hidden_fraction
        for row in every_row(np.sort(np.concatenate(list(members.values()))), n, rng):
            genes = shown_genes(self.cells, row, rng, augment=augment)
            rows, sentences = self.cell_groups.training_cells(row, genes, members[groups[row]], rng)
            parts = hide_in_cells(sentences, fraction, self.task.hidden, alone=alone, rng=rng, n_shown=1)
            truth = self.group_truth(rows) if with_truth else None
            example = self._shown(rows, parts, truth)
            found.append(TrainingExample(self.task, example, unit=str(groups[row])))
        return found
