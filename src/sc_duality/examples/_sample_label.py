"""Examples of labels of a sample: several cells of it get one label together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import SampleLabel, SampleLabelExample, Task, Tissue
from ._group_examples import GroupExamples
from ._group_predictions import group_settings
from ._hidden_cells import GroupParts
from ._label_task import N_WRONG, LabelExamples


class SampleLabelExamples(GroupExamples, LabelExamples):
    """Examples of a task that gives a sample one of several labels."""

    task: SampleLabel
    task_class = SampleLabel
    extends_knowledge = True

    labels = LabelExamples.labels

    @property
    def known_labels(self) -> Sequence[str]:
        """Labels that the model knows for what is asked; an error if it knows labels of other facts only."""
        facts = self.cells.spec.known(self.task.name, "facts", {})
        if facts and self.task.fact not in facts and self.task.truth is None:
            raise ValueError(
                f"the model {self.cells.spec.name!r} was not trained to tell the {self.task.fact} of a sample, only "
                f"{', '.join(facts)}: pass fact=, one of these, or another model"
            )
        return tuple(facts.get(self.task.fact, ()))

    def answer_labels(self, answer: str) -> tuple[str, ...]:
        """The label."""
        return (self._written[answer],)

    @cached_property
    def _written(self) -> dict[str, str]:
        return {own: label for label, own in self.labels.items()}

    def read_labels(self, text: str) -> str:
        """The label in the model's name."""
        return self.labels[text]

    def group_example(
        self, parts: GroupParts, context: Mapping[str, str], truth: str | None = None
    ) -> SampleLabelExample:
        """Cells of a sample with the labels to choose from."""
        options = self.model_options if truth is None else self._truth[1]
        return SampleLabelExample(**parts._asdict(), options=options, fact=self.task.fact, truth=truth, context=context)

    def cells_truth(self) -> NDArray[Any]:
        """The label of each cell's sample."""
        return self._truth[0]

    def group_truth(self, rows: Sequence[int]) -> str:
        """The label that these cells share."""
        label: str = self._truth[0][rows[0]]
        return label

    @cached_property
    def training_groups(self) -> NDArray[Any]:
        """Cells of a sample with the same label, or without one, where labels are known (C2S-Scale, table 1)."""
        groups = self.cell_groups.group_of_cell
        if self.task.truth is None:
            return groups
        pairs = zip(groups, self._truth[0], strict=True)
        return np.array(
            [group if None in (group, label) else f"{group} | {label}" for group, label in pairs], dtype=object
        )

    def wrong(self, truth: str, rng: np.random.Generator) -> tuple[str, ...]:
        """Other labels."""
        others = [label for label in self._truth[1] if label != truth]
        return tuple(rng.choice(others, min(N_WRONG, len(others)), replace=False).tolist())

    def settings(self) -> dict[str, Any]:
        """What is asked, and the cells of a prompt."""
        return {"fact": self.task.fact, **super().settings()}

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the settings and labels of an earlier result."""
        return cls.task_class(fact=str(params["fact"]), **group_settings(params))

    def knowledge(self) -> dict[str, Any]:
        """The labels of what is asked; nothing for a general model, which takes any."""
        return {"facts": {self.task.fact: list(self._truth[1])}} if self.cells.spec.tasks is not None else {}


class TissueExamples(SampleLabelExamples):
    """Examples of the tissue of a sample."""

    task_class = Tissue
