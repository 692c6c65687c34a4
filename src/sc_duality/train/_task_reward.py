"""Rewards of one task as TRL calls them, with the columns that reward functions need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..rewards import RewardFunction, read_answers
from ..tasks import Question, TrainingExample


class TaskReward:
    """Calls a reward function on the completions of one task; completions of other tasks get ``None``.

    The function gets, next to TRL's own columns, one ``question`` and one ``example`` a completion, and with ``task``
    the task object.

    Parameters
    ----------
    name
        Name in logs.
    reward
        The reward function.
    examples, questions
        All training examples with their questions; the column ``row`` tells which one a completion answers.
    task
        Name of the task; completions of every task by default.
    """

    def __init__(
        self,
        name: str,
        reward: RewardFunction,
        examples: Sequence[TrainingExample],
        questions: Sequence[Question],
        task: str | None = None,
    ) -> None:
        self.__name__ = name
        self._reward, self._examples, self._questions, self._task = reward, examples, questions, task

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        row: Sequence[int],
        *,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One reward a completion."""
        own = [i for i, one in enumerate(row) if self._task in (None, self._examples[one].task.name)]
        rewards: list[float | None] = [None] * len(row)
        if not own:
            return rewards
        question = [self._questions[row[i]] for i in own]
        chosen = [completions[i] for i in own]
        if self._task is not None:
            columns["task"] = self._examples[row[own[0]]].task
        found = self._reward(
            prompts=[prompts[i] for i in own],
            completions=chosen,
            question=question,
            example=[self._examples[row[i]].example for i in own],
            **{name: _taken(values, own, len(row)) for name, values in columns.items()},
        )
        for i, reward in zip(own, found, strict=True):
            rewards[i] = reward
        if log_metric is not None:
            answers = read_answers(chosen, question)
            log_metric(f"{self.__name__}/valid", sum(answer is not None for answer in answers) / len(own))
        return rewards


def _taken(values: Any, rows: Sequence[int], n: int) -> Any:
    """These rows of a column; anything else unchanged."""
    return [values[i] for i in rows] if isinstance(values, list) and len(values) == n else values
