"""Rewards in TRL's signature that know their lessons: by duality, and by the truth as the oracle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..models import LanguageModel, live, skip_generate
from ..rewards import ground_truth
from ..tasks import Failure
from ._judge import Dual, explain, judgeable
from ._lesson import Lesson


class TaskReward(ABC):
    """What the rewards of one task share: an answer is read and scored, and rewards of other tasks are ``None``.

    Parameters
    ----------
    name
        Name in logs.
    lessons
        All lessons; the column ``row`` of the data says which one a completion answers.
    task
        Name of the task that is rewarded.
    invalid_reward
        The reward of an answer that could not be read or judged.
    """

    def __init__(self, name: str, lessons: Sequence[Lesson], task: str, invalid_reward: float = 0.0) -> None:
        self.__name__ = name
        self._lessons = lessons
        self._task = task
        self._invalid = invalid_reward

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        row: Sequence[int],
        *,
        trainer_state: Any = None,
        log_metric: Callable[[str, float], None] | None = None,
        **_columns: Any,
    ) -> list[float | None]:
        """One reward a completion, ``None`` where it answers another task."""
        mine = [i for i, one in enumerate(row) if self._lessons[one].task.name == self._task]
        lessons = [self._lessons[row[i]] for i in mine]
        answers = [read(lesson, completions[i]) for lesson, i in zip(lessons, mine, strict=True)]
        step = 0 if trainer_state is None else int(trainer_state.global_step)
        scores = self._scores(lessons, answers, step)
        rewards: list[float | None] = [None] * len(row)
        for i, score in zip(mine, scores, strict=True):
            rewards[i] = self._invalid if np.isnan(score) else float(score)
        if log_metric is not None and mine:
            log_metric(f"{self.__name__}/valid", sum(answer is not None for answer in answers) / len(mine))
        return rewards

    @abstractmethod
    def _scores(self, lessons: Sequence[Lesson], answers: Sequence[Any], step: int) -> Sequence[float]:
        """One score an answer, NaN where there is none."""


class DualityReward(TaskReward):
    """How far each answer gives back what its question did not show (CellDuality §3.4.1, equations 2 and 3).

    Parameters
    ----------
    name, lessons, task, invalid_reward
        As for :class:`TaskReward`.
    how
        Form of the dual.

    Attributes
    ----------
    judge
        Who judges: the policy, or any model.
    """

    judge: LanguageModel

    def __init__(self, name: str, lessons: Sequence[Lesson], task: str, how: Dual, invalid_reward: float = 0.0) -> None:
        super().__init__(name, lessons, task, invalid_reward)
        self._how = how

    def _scores(self, lessons: Sequence[Lesson], answers: Sequence[Any], step: int) -> Sequence[float]:
        examples = [lesson.example for lesson in lessons]
        how = replace(self._how, seed=hash((self._how.seed, step)) % 2**31)
        with live(self.judge):
            if not judgeable(examples, answers):
                skip_generate(self.judge)
                return [np.nan] * len(lessons)
            return explain(self.judge, lessons[0].task, examples, answers, how).tolist()


class TruthReward(TaskReward):
    """How well each answer agrees with the truth: the oracle that duality is compared with."""

    def _scores(self, lessons: Sequence[Lesson], answers: Sequence[Any], step: int) -> Sequence[float]:
        found = ground_truth(answers, [lesson.example.truth for lesson in lessons], invalid_reward=np.nan)
        return [np.nan if one is None else one for one in found]


def read(lesson: Lesson, completion: Any) -> Any:
    """The answer in what the policy wrote, ``None`` where it cannot be read."""
    text = completion if isinstance(completion, str) else completion[-1]["content"]
    found = lesson.task.parse(text, lesson.example)
    return None if isinstance(found, Failure) else found.value
