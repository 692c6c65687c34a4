"""Examples of joint annotation: batches of cells of one donor, each of another type (Cell-o1 §3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import JointAnnotation, JointAnnotationExample, TrainingExample, hide_genes
from ._annotation import true_cell_types
from ._cell_groups import members_of
from ._examples import Examples, Pool, every_row, groups, shown_genes
from ._hidden_genes import CellParts, hide

#: Rows by group.
Members = Mapping[str, NDArray[np.int64]]


class JointAnnotationExamples(Examples):
    """Batches of cells. Which types make up a batch is read from the truth, as in Cell-o1."""

    task: JointAnnotation
    task_class = JointAnnotation

    @cached_property
    def _truth(self) -> NDArray[Any]:
        """The type of each cell in the model's names, ``None`` where missing."""
        if self.task.truth is None:
            raise ValueError(
                "the task 'joint_annotation' needs the obs column with the true labels: pass "
                "tasks={'joint_annotation': {'truth': ...}}"
            )
        return true_cell_types(self.cells, self.task.truth)[0]

    @cached_property
    def _groups(self) -> NDArray[Any]:
        return groups(self.cells, self.task.groupby, "groupby")

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Cells of groups with two types or more."""
        usable = rows & self.cells.readable & (self._truth != None)  # noqa: E711
        groups = members_of(self._groups, usable)
        members = {group: rows for group, rows in groups.items() if len(set(self._truth[rows])) > 1}
        if not members:
            raise ValueError(f"no group of groupby={self.task.groupby!r} has cells of two types: nothing to tell apart")
        found = np.sort(np.concatenate(list(members.values())))
        return Pool(found, np.ones(len(found)), partial(self._training_example, members))

    def _training_example(
        self, members: Members, row: int, genes: list[str], rng: np.random.Generator
    ) -> TrainingExample:
        """A batch around the cell ``row``, a part of the genes of each cell hidden from the dual task."""
        cells, truth = self._batch(members, row, genes, rng)
        parts = [CellParts(genes, *hide_genes(genes, self.task.hidden_fraction, rng)) for genes in cells]
        return self._example(row, parts, truth, truth, rng)

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """A batch around every cell in random order; the truth decides which cells make up a batch."""
        pool = self.labelled(np.ones(len(self.cells), dtype=bool))
        members = members_of(self._groups, np.isin(np.arange(len(self.cells)), pool.rows))
        found = []
        for row in every_row(pool.rows, n, rng):
            genes = shown_genes(self.cells, row, rng, augment=augment)
            cells, truth = self._batch(members, row, genes, rng)
            parts = [hide(one, self.duality, rng) for one in cells]
            found.append(self._example(row, parts, truth, truth if with_truth else None, rng))
        return found

    def _batch(
        self, members: Members, row: int, genes: list[str], rng: np.random.Generator
    ) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
        """Sentences and types of the cell and of one cell of each other type of its group, in random order."""
        group = np.asarray(members[self._groups[row]])
        others = sorted(set(self._truth[group]) - {self._truth[row]})
        labels = rng.choice(others, min(self.task.n_cells - 1, len(others)), replace=False).tolist()
        rows = [int(rng.choice(group[self._truth[group] == label])) for label in labels]
        cells = [tuple(genes), *map(tuple, self.cells.genes(rows))]
        order = rng.permutation(len(cells))
        return [cells[i] for i in order], tuple([self._truth[row], *labels][i] for i in order)

    def _example(
        self,
        row: int,
        parts: Sequence[CellParts],
        labels: tuple[str, ...],
        truth: tuple[str, ...] | None,
        rng: np.random.Generator,
    ) -> TrainingExample:
        example = JointAnnotationExample(
            cells=tuple(part.genes for part in parts),
            observed=tuple(part.observed for part in parts),
            hidden_genes=tuple(part.hidden_genes for part in parts),
            options=tuple(labels[i] for i in rng.permutation(len(labels))),
            truth=truth,
            context=self.cells.context([row])[0],
        )
        return TrainingExample(self.task, example)
