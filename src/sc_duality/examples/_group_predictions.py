"""What prediction of labels for groups of cells needs, and the duality score of these labels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import Task
from ._cell_groups import CellGroups
from ._examples import Examples, Results, cell_rng
from ._hidden_cells import GroupParts, hide_in_cells
from ._results import param_list, predictions


class GroupPredictions(Examples):
    """Examples for prediction of a task that gives labels to groups of cells, which ``groupby`` names."""

    labels_groups = True

    @cached_property
    def cell_groups(self) -> CellGroups:
        """The groups, with the cells and genes of a prompt."""
        if not self.task.groupby:
            raise ValueError(
                f"the task {self.task.name!r} is about groups of cells: pass groupby=, an obs column such as 'sample'"
            )
        return CellGroups(
            self.cells,
            self.task.groupby,
            n_cells=self.task.n_cells,
            n_genes=self.task.n_genes,
            further=self._option_tokens(),
        )

    @property
    def groups(self) -> dict[str, NDArray[np.int64]]:
        """Rows of each group by its name."""
        return self.cell_groups.rows

    @property
    @abstractmethod
    def labels(self) -> dict[str, str]:
        """Labels as they are written into ``obs``, each with the model's own name for it."""

    @abstractmethod
    def answer_labels(self, answer: Any) -> tuple[str, ...]:
        """The labels of an answer, as they are written into ``obs``."""

    @abstractmethod
    def read_labels(self, text: str) -> Any:
        """The answer that ``obs`` holds as this text."""

    @abstractmethod
    def group_example(self, parts: GroupParts, context: Mapping[str, str], truth: Any = None) -> Any:
        """The example of cells of one group."""

    def written(self, answer: Any) -> str:
        """An answer as ``obs`` holds it."""
        return " | ".join(self.answer_labels(answer))

    def predict_groups(self, seed: int) -> dict[str, Any]:
        """One example a group by its name, from cells that the seed chooses; ``None`` for a group without any."""
        return {
            name: self._shown(rows, GroupParts(self.cell_groups.sentences(rows), (), ())) if rows else None
            for name, rows in self._sampled(seed).items()
        }

    def groups_with_hidden(self, sampled: int, seed: int) -> dict[str, Any]:
        """One example a group with hidden genes or cells; ``sampled`` is the seed by which its cells were chosen."""
        alone, fraction = self.duality.context == "label", self.duality.hidden_fraction
        hide = partial(hide_in_cells, fraction=fraction, part=self.task.hidden, alone=alone)
        return {
            name: self._shown(rows, hide(self.cell_groups.sentences(rows), rng=cell_rng(seed, "hidden", name)))
            for name, rows in self._sampled(sampled).items()
        }

    def _sampled(self, seed: int) -> dict[str, list[int]]:
        return {name: self.cell_groups.sample(name, seed) for name in self.groups}

    def _shown(self, rows: Sequence[int], parts: GroupParts, truth: Any = None) -> Any:
        return self.group_example(parts, self.cell_groups.context(rows), truth)

    def _option_tokens(self) -> int:
        """Tokens of the options in a prompt and of an answer, at most."""
        if self.cells.spec.genes is not None:
            return sum(len(label.split()) for label in self.labels) + len(self.labels)
        return sum(map(len, self.labels)) + 8 * len(self.labels)

    def settings(self) -> dict[str, Any]:
        """How many cells and genes prompts show, and what the dual task hides."""
        return {
            "n_cells": self.task.n_cells,
            "n_genes_per_cell": self.cell_groups.n_genes(self.task.n_cells),
            "context_length": self.cells.spec.context_length,
            "hidden": self.task.hidden,
        }

    @classmethod
    def with_params(cls, task: Any, params: Mapping[str, Any]) -> Task:
        """A task of the user's own with the groups and labels of an earlier result."""
        return replace(task, **group_settings(params))

    def from_results(self, key: str, seed: int) -> Results:
        """Examples with hidden genes or cells, one a group, and the answers in ``obs``."""
        return GroupResults(self, key, seed)


class GroupResults(Results):
    """Answers for groups with their examples. The unit is a group."""

    def __init__(self, examples: GroupPredictions, key: str, seed: int) -> None:
        self.task, self.unit_of_cell = examples.task, examples.cell_groups.unit_of_cell
        params = examples.cells.adata.uns[key]["params"]
        self._examples = list(examples.groups_with_hidden(int(params["rng"]), seed).values())
        texts = predictions(examples.cells.adata, key, None)
        self._answers = [self._answer(examples, key, name, texts) for name in examples.groups]
        options = next((self.task.answer_type(one).options for one in self._examples if one.has_hidden), None)
        self.n_options = len(options or "?")

    @staticmethod
    def _answer(examples: GroupPredictions, key: str, name: str, texts: Sequence[str | None]) -> Any:
        found = {texts[row] for row in examples.groups[name]}
        if len(found) > 1:
            raise ValueError(
                f"the cells of the group {name!r} have several values of obs[{key!r}], {sorted(map(str, found))}: the "
                "groups have changed since, predict again"
            )
        text = found.pop()
        return None if text is None else examples.read_labels(text)

    def block(self, rows: slice) -> tuple[list[Any], list[Any]]:
        """Examples and answers of these groups."""
        return self._examples[rows], self._answers[rows]


def param_columns(params: Mapping[str, Any]) -> list[str]:
    """The ``obs`` columns of the groups of an earlier result."""
    groupby = params["groupby"]
    return [groupby] if isinstance(groupby, str) else param_list(params, "groupby")


def group_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the task of an earlier result."""
    return {
        "groupby": param_columns(params),
        "labels": param_list(params, "labels"),
        "n_cells": int(params["n_cells"]),
        "n_genes": int(params["n_genes_per_cell"]),
        "hidden": str(params["hidden"]),
    }
