"""Examples of questions about groups of cells."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..tasks import QuestionAnswer, QuestionExample
from ._reference_texts import Reference, reference_answers
from ._text_task import TextExamples


class QuestionExamples(TextExamples):
    """Examples of questions: that of the task, or those of a table with answers."""

    task: QuestionAnswer
    task_class = QuestionAnswer
    _example_type = QuestionExample

    def _query(self, query: str) -> dict[str, Any]:
        return {"query": self.task.query or query}

    @cached_property
    def references(self) -> dict[str, list[Reference]]:
        """Questions with the answers of each group."""
        if self.task.truth is None or self.task.query is not None:
            return super().references
        return reference_answers(self.groups, self.task.truth)

    def _reference(self, name: str, rng: np.random.Generator, *, with_truth: bool) -> Reference | None:
        if with_truth or self.task.query is not None:
            return super()._reference(name, rng, with_truth=with_truth)
        found = self.references.get(name) or [one for group in self.references.values() for one in group]
        return Reference("", found[int(rng.integers(len(found)))].query)
