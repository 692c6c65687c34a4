"""The shape of a task: examples are data, a task is behaviour, and both directions are questions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from ._answer_types import AnswerType
from ._prompt_format import PromptFormat
from ._question import Question
from ._template import TaskTemplate


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example of a task. Subclasses add what their task shows to a model.

    Parameters
    ----------
    truth
        y, the true answer, where it is known. The dual task never reads it.
    context
        Facts about the cell by name, such as the tissue.
    """

    truth: Any = None
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def hidden(self) -> Any:
        """x_u, what the dual task reconstructs; ``None`` where there is nothing to reconstruct."""
        return None

    @property
    def has_hidden(self) -> bool:
        """Whether the dual task has something to reconstruct."""
        return bool(self.hidden)


@dataclass(frozen=True, kw_only=True, eq=False)
class Task(ABC):
    """A task and its dual task (CellDuality, definition 3.1).

    Given x = (x_k, x_u), :meth:`question` asks a model for y. Given y and x_k, :meth:`dual` asks for x_u. The prompts
    are templates, one file a prompt format, with the macros ``prompt(example)`` and ``dual_prompt(example, answer)``;
    the macros ``label(value)``, ``answer(text)`` and ``dual_answer(text)`` are the prompt format's own unless the
    task's template defines them.

    Parameters
    ----------
    prompt_format
        The prompt format of the model: a name that is shipped, a folder, or a :class:`PromptFormat`.
    vocabulary
        Gene symbols that count in an answer; any symbol by default.
    """

    #: Name of the task, by which ``tasks=`` and a model's ``knows`` refer to it.
    name: ClassVar[str]
    #: Raised when prompts change, so that results tell which they are from.
    version: ClassVar[int] = 1
    #: Folder with a template ``<prompt format>.jinja`` each, for a task that is not part of the package.
    templates: ClassVar[Path | None] = None

    prompt_format: str | Path | PromptFormat = "plain"
    vocabulary: Collection[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompt_format", PromptFormat.load(self.prompt_format))

    def for_model(self, prompt_format: str | Path | PromptFormat, vocabulary: Collection[str] | None) -> Self:
        """The same task in another prompt format and vocabulary."""
        return replace(self, prompt_format=prompt_format, vocabulary=vocabulary)

    @abstractmethod
    def answer_type(self, example: Any) -> AnswerType:
        """What y may be."""

    @abstractmethod
    def dual_answer_type(self, example: Any) -> AnswerType:
        """What x_u may be."""

    def question(self, example: Any) -> Question:
        """The primal task: x → y."""
        prompt = self.template.render("prompt", example)
        return Question(prompt, self.answer_type(example), self.template.answers("answer"), example.truth)

    def dual(self, example: Any, answer: Any) -> Question | None:
        """The dual task: (y, x_k) → x_u; without y where ``answer`` is ``None``.

        ``None`` where the example has nothing to reconstruct.
        """
        if not example.has_hidden:
            return None
        prompt = self.template.render("dual_prompt", example, answer)
        return Question(prompt, self.dual_answer_type(example), self.template.answers("dual_answer"), example.hidden)

    def contrast(self, example: Any, wrong: Sequence[Any]) -> list[Question]:
        """The dual of the true answer, first, and of each wrong one, which training learns to tell from it."""
        if not example.has_hidden:
            return []
        duals = [self.dual(example, answer) for answer in (example.truth, *wrong)]
        return [dual for dual in duals if dual is not None]

    @property
    def template(self) -> TaskTemplate:
        """The template of this task in the prompt format."""
        assert isinstance(self.prompt_format, PromptFormat)
        return self.prompt_format.template(self.name, self.templates)


class TrainingExample(NamedTuple):
    """An example with its task, and wrong values that ``Task.contrast`` tells from the true one.

    SFT learns the true answer and, ``with_dual``, the dual; GRPO on a duality reward never reads the truth. The unit is
    the name of the cell, empty for a batch of cells or none. ``dual_answer`` is what the dual task is shown instead of
    the truth.
    """

    task: Task
    example: Any
    wrong: Sequence[Any] = ()
    unit: str = ""
    dual_answer: Any = None
    with_dual: bool = True

    def question(self) -> Question:
        """The primal task."""
        return self.task.question(self.example)

    def questions(self) -> list[Question]:
        """The primal task and the dual of the true answer; none without a truth."""
        if self.example.truth is None:
            return []
        if not self.with_dual:
            return [self.question()]
        shown = self.example.truth if self.dual_answer is None else self.dual_answer
        dual = self.task.dual(self.example, shown)
        return [self.question()] if dual is None else [self.question(), dual]

    def identity(self) -> tuple[Any, ...]:
        """What tells this example from others, for a hash of the training data."""
        found = (self.task.name, self.question().prompt, self.example, self.wrong, self.dual_answer)
        return found if self.with_dual else (*found, "without dual")

    def texts(self) -> list[tuple[str, str]]:
        """Prompts with their target completions, for SFT."""
        return [(question.prompt, question.completion(question.target)) for question in self.questions()]

    def contrast_texts(self) -> list[tuple[str, str]]:
        """Prompts with the same completion, the true one first; none without wrong values."""
        if not self.wrong or not self.with_dual:
            return []
        compared = self.task.contrast(self.example, self.wrong)
        return [(question.prompt, question.completion(question.target)) for question in compared]
