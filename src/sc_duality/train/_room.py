"""Whether questions, and what is asked back of their answers, fit into what a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from ..models import ModelSpec
from ..models.engines import Tokens
from ..tasks import Example
from ._judge import Dual, words_back
from ._lesson import Lesson
from ._settings import context_of


def check_room(spec: ModelSpec, lessons: Sequence[Lesson], known: Sequence[Lesson], how: Dual, max_tokens: int) -> None:
    """Refuse lessons that would outgrow the context of the model while it is aligned, before it is loaded.

    Parameters
    ----------
    spec
        The model.
    lessons
        To align on; the model answers each with up to ``max_tokens``.
    known
        With a truth, to measure by.
    how
        What is asked back.
    max_tokens
        Tokens of an answer.

    Raises
    ------
    ValueError
        Names the length and what to make smaller; also if the model has no word for a label.
    """
    tokens, context = Tokens(spec), context_of(spec)
    tokens.check_context_length(tokens.prompts([lesson.prompt() for lesson in lessons]), max_tokens, context)

    @cache
    def longest(task: Any, labels: tuple[str, ...]) -> str:
        return max(labels, key=lambda label: len(tokens.answers([task.answer(label)])[0]))

    @cache
    def widest(task: Any, backs: tuple[object, ...]) -> int:
        return max(map(len, tokens.answers([task.dual_answer(one) for one in backs])))

    def room(task: Any, example: Example) -> int:
        if how.form == "sample":
            return spec.max_new_tokens(words_back(task, [example], how))
        return widest(task, tuple(example.known.get("candidates", [example.unknown])))

    def dual(task: Any, example: Example) -> tuple[str, int]:
        if task.gives_back == "genes":
            return task.dual_prompt(longest(task, example.known["labels"]), example), room(task, example)
        return task.dual_prompt((), example), max_tokens + room(task, example)  # the cell is yet to be written

    asked = [dual(lesson.task, lesson.example) for lesson in lessons if lesson.example.unknown]
    rows = [row for lesson in known for row in lesson.rows()]
    lengths = map(len, tokens.answers([row.answer for row in rows]))
    asked += [(row.prompt, length) for row, length in zip(rows, lengths, strict=True)]
    for ids, (_, more) in zip(tokens.prompts([prompt for prompt, _ in asked]), asked, strict=True):
        if len(ids) + more > context:
            raise ValueError(
                f"to ask an answer back takes {len(ids)} tokens and {more} more, but the model {spec.name!r} reads "
                f"{context}: use fewer genes (n_genes=), fewer labels, or a smaller max_tokens="
            )
