"""One thing to learn: a question with its task, and the rows of text that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..tasks import Example, Task


class Lesson(NamedTuple):
    """A question, the task that asks it, and what is to be learned from it.

    The same lesson serves supervised training, where ``example.truth`` is the answer, and alignment by duality, which
    never looks at it.
    """

    task: Task
    example: Example
    #: Other answers, which are wrong, for the dual to be told apart from the true one.
    wrong: Sequence[str] = ()

    def prompt(self) -> str:
        """Text that asks the question."""
        return self.task.prompt(self.example)

    def rows(self) -> list[Row]:
        """What a model learns by heart: the answer to the question, and from the answer what it is to give back."""
        task, example = self.task, self.example
        if example.truth is None:
            return []
        found = [Row(task.prompt(example), task.answer(example.truth))]
        if example.unknown:
            found.append(self._dual(example.truth))
        return found

    def contrast(self) -> list[Row]:
        """The dual's answer after the true answer, first, and after each wrong one; empty where there is none."""
        if not self.wrong or not self.example.unknown:
            return []
        return [self._dual(answer) for answer in (self.example.truth, *self.wrong)]

    def _dual(self, answer: object) -> Row:
        return Row(self.task.dual_prompt(answer, self.example), self.task.dual_answer(self.example.unknown))


class Row(NamedTuple):
    """A text to learn from."""

    prompt: str
    answer: str
