"""A question to a model: its prompt, the type of its answer, and the target where it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ._answer_types import AnswerType
from ._parse import Answer, Failure
from ._template import AnswerTemplate


@dataclass(frozen=True)
class Question:
    """What is sent to a model, and how its completion is read.

    Parameters
    ----------
    prompt
        Text that the model continues.
    answer_type
        What the answer may be.
    template
        How the prompt format wraps an answer, such as in ``<answer>`` tags.
    target
        The right answer, where it is known.

    Examples
    --------
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> question = Annotation(prompt_format="compact").question(LabelExample(genes=("CD79A",), options=("B cell",)))
    >>> question.prompt, question.completion("B cell"), question.parse("B_cell").value
    ('<annotate> <cell> CD79A <type>', 'B_cell', 'B cell')
    """

    prompt: str
    answer_type: AnswerType
    template: AnswerTemplate
    target: Any = None

    def completion(self, answer: Any) -> str:
        """The text that a model writes if this is its answer: what it is scored on or trained on."""
        return self.template.write(self.answer_type.write(answer))

    def completions(self) -> list[str]:
        """The text of every option."""
        return [self.completion(option) for option in self.answer_type.options or ()]

    def parse(self, completion: str) -> Answer | Failure:
        """Read the answer and the reasoning of a completion, or say why it cannot be read."""
        text = self.template.read(completion)
        if isinstance(text, Failure):
            return text
        found = self.answer_type.parse(text.value)
        if isinstance(found, Failure) or not text.reasoning:
            return found
        return replace(found, reasoning=text.reasoning)

    def similarity(self, answer: Any) -> float:
        """How well an answer matches the target, in [0, 1]."""
        return self.answer_type.similarity(self.target, answer)
