"""A question to a model: its prompt, the type of its answer, and the target where it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ._answer_types import AnswerType
from ._label_in_text import untagged_answer
from ._parse import Answer, Failure, Reason
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
        return _with_reasoning(self.answer_type.parse(text.value), text)

    def parse_tolerantly(self, completion: str) -> Answer | Failure:
        """As :meth:`parse`, and read common forms around a label that leave no doubt about it.

        These are a list number, bold, quotes, a full stop, one sentence around the only label in it, and missing tags
        around what is otherwise a label alone. Training never reads completions by this.
        """
        found = self.parse(completion)
        find = getattr(self.answer_type, "find", None)
        if isinstance(found, Answer) or find is None:
            return found
        text = self.template.read(completion)
        if isinstance(text, Answer):
            again = _with_reasoning(find(text.value, sentence=True), text)
        elif text.reason == Reason.NO_TAG and isinstance(text := untagged_answer(completion), Answer):
            again = _with_reasoning(find(text.value, sentence=False), text)
        else:
            return found
        return found if isinstance(again, Failure) else again

    def similarity(self, answer: Any) -> float:
        """How well an answer matches the target, in [0, 1]."""
        return self.answer_type.similarity(self.target, answer)


def _with_reasoning(found: Answer | Failure, text: Answer) -> Answer | Failure:
    """The answer with the reasoning of its completion."""
    return found if isinstance(found, Failure) or not text.reasoning else replace(found, reasoning=text.reasoning)
