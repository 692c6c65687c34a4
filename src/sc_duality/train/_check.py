"""How often a model's answers are right, and how often its dual tells the right answer, on cells with a truth."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..models import LanguageModel
from ._judge import by_candidate, by_label
from ._lesson import Lesson

logger = logging.getLogger(__name__)


class Accuracy(NamedTuple):
    """Of one task."""

    #: Share of labels that are right; NaN for tasks whose answer is no label.
    primal: float
    #: Share of cells whose true answer the dual prefers to all others; NaN where nothing is to be given back.
    dual: float
    #: What choosing blindly would reach.
    chance: float
    n: int


def accuracies(engine: LanguageModel, lessons: Sequence[Lesson]) -> dict[str, Accuracy]:
    """Accuracy of the primal and of the dual, by task, on lessons with a truth."""
    known = [lesson for lesson in lessons if lesson.example.truth is not None]
    tasks = dict.fromkeys(lesson.task.name for lesson in known)
    return {name: _accuracy(engine, [lesson for lesson in known if lesson.task.name == name]) for name in tasks}


def warn_where_dual_is_weak(found: Mapping[str, Accuracy]) -> None:
    """Say where alignment by duality pulls towards a judge that knows less than the policy."""
    for task, (primal, dual, chance, n) in found.items():
        if dual <= primal:
            logger.warning(
                "%s: the dual is right on %.0f %% of %d labelled cells and the model itself on %.0f %%: duality pulls "
                "it towards the weaker judge; train the dual with train_sft(contrast=1.0), or show it what the model "
                "does not see (hidden='cluster')",
                task, 100 * dual, n, 100 * primal,
            )  # fmt: skip
        elif dual < 1.5 * chance:
            logger.warning(
                "%s: the dual is right on %.0f %% of %d labelled cells, where chance is %.0f %%: its judgement is "
                "noise; train it first, with tl.train_sft",
                task, 100 * dual, n, 100 * chance,
            )  # fmt: skip


def _accuracy(engine: LanguageModel, lessons: Sequence[Lesson]) -> Accuracy:
    task = lessons[0].task
    options = "candidates" if task.gives_back == "candidate" else "labels"
    chance = float(np.mean([1 / len(lesson.example.known[options]) for lesson in lessons]))
    judged = [lesson for lesson in lessons if lesson.example.unknown]
    if task.gives_back == "candidate":
        return Accuracy(np.nan, _candidates_right(engine, judged), chance, len(lessons))
    primal, dual = _labels_right(engine, lessons), np.nan
    if judged:
        table = by_label(engine, task, [lesson.example for lesson in judged])
        dual = float(np.mean(table.argmax(1) == [_place(lesson) for lesson in judged]))
    return Accuracy(primal, dual, chance, len(lessons))


def _place(lesson: Lesson) -> int:
    return lesson.example.known["labels"].index(lesson.example.truth)


def _labels_right(engine: LanguageModel, lessons: Sequence[Lesson]) -> float:
    right = 0
    for labels in dict.fromkeys(lesson.example.known["labels"] for lesson in lessons):
        same = [lesson for lesson in lessons if lesson.example.known["labels"] == labels]
        answers = [same[0].task.answer(label) for label in labels]
        scores = engine.score([lesson.prompt() for lesson in same], answers)
        right += int((scores.argmax(1) == [_place(lesson) for lesson in same]).sum())
    return right / len(lessons)


def _candidates_right(engine: LanguageModel, lessons: Sequence[Lesson]) -> float:
    """How often the true cell gives back what it was made of."""
    examples = [lesson.example for lesson in lessons]
    table = by_candidate(engine, lessons[0].task, examples, [example.truth for example in examples])
    return float(np.mean(table.argmax(1) == [one.known["candidates"].index(one.unknown) for one in examples]))
