"""Examples of the cell types of a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import CellGroupExample, SampleCellTypes, Task
from ._annotation import cell_type_options, trained_cell_types, true_cell_types
from ._group_examples import GroupExamples
from ._group_predictions import group_settings
from ._hidden_cells import GroupParts
from ._label_options import column_labels, one_by_one

#: Wrong sets that the dual task learns to tell from the true one.
_N_WRONG = 2


class SampleCellTypesExamples(GroupExamples):
    """Examples of the set of cell types of a sample."""

    task: SampleCellTypes
    task_class = SampleCellTypes
    lists_answers = False

    @cached_property
    def labels(self) -> dict[str, str]:
        """Cell types to choose from, each with the model's own name for it."""
        labels = self.task.labels
        if labels is None and self.task.truth is not None and not self._known:
            self.cells.column(self.task.truth, "truth")
            labels = column_labels(self.cells.adata, self.task.truth)
        found = one_by_one(cell_type_options(self.cells, labels))
        if split := [label for label in found if "|" in label]:
            raise ValueError(f"the labels {split} hold '|', which separates the cell types of a sample: rename them")
        return found

    @property
    def _known(self) -> Sequence[str]:
        return tuple(self.cells.spec.known("annotation", "labels", ()))

    def answer_labels(self, answer: Sequence[str]) -> tuple[str, ...]:
        """The cell types."""
        names = {own: label for label, own in self.labels.items()}
        return tuple(names[one] for one in answer)

    def read_labels(self, text: str) -> tuple[str, ...]:
        """The cell types in the model's names."""
        chosen = {self.labels[label] for label in text.split(" | ")}
        return tuple(own for own in self.labels.values() if own in chosen)

    def group_example(
        self, parts: GroupParts, context: Mapping[str, str], truth: tuple[str, ...] | None = None
    ) -> CellGroupExample:
        """Cells of a sample with the types to choose from."""
        options = tuple(self.labels.values()) if truth is None else self._truth[1]
        return CellGroupExample(**parts._asdict(), options=options, truth=truth, context=context)

    @cached_property
    def _truth(self) -> tuple[NDArray[Any], tuple[str, ...]]:
        """The true type of each cell in the model's names, ``None`` where missing, and the types of training."""
        if self.task.truth is None:
            raise ValueError(
                f"the task {self.task.name!r} needs the obs column with the true cell types: pass tasks={{"
                f"{self.task.name!r}: {{'truth': ...}}}}"
            )
        return true_cell_types(self.cells, self.task.truth, self.task.labels)

    def cells_truth(self) -> NDArray[Any]:
        """The type of each cell."""
        return self._truth[0]

    def group_truth(self, rows: Sequence[int]) -> tuple[str, ...]:
        """The types of these cells, each once, in the order of the options."""
        types = set(self._truth[0][list(rows)])
        return tuple(label for label in self._truth[1] if label in types)

    def wrong(self, truth: tuple[str, ...], rng: np.random.Generator) -> tuple[tuple[str, ...], ...]:
        """Sets in which another type stands for one of the true types."""
        others = [label for label in self._truth[1] if label not in truth]
        found = []
        for label in rng.choice(others, min(_N_WRONG, len(others)), replace=False).tolist():
            left_out = truth[int(rng.integers(len(truth)))]
            chosen = {*truth, label} - {left_out}
            found.append(tuple(one for one in self._truth[1] if one in chosen))
        return tuple(found)

    def cell_types(self) -> list[str]:
        """Cell types that are trained: those to choose from, else the values of the column with the true types."""
        return trained_cell_types(self.cells, self.task.truth, self.task.labels)

    def reference_truth(self) -> NDArray[Any]:
        """The true type of each cell, ``None`` where missing."""
        return self._truth[0]

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the settings and cell types of an earlier result."""
        return cls.task_class(**group_settings(params))
