"""Rewards of one task as TRL calls them, with the columns that reward functions need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from ..rewards import RewardFunction, named_columns, read_answers, required_columns
from ..tasks import Question, TrainingExample

#: Columns that every reward function gets, most of them from TRL.
_ALWAYS = ("question", "prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric")


class TaskReward:
    """Calls a reward function on the completions of one task; completions of other tasks get ``None``.

    The function gets, next to TRL's own columns, one ``question``, one ``example`` and one ``unit`` (the name of the
    cell) a completion, and each field of the examples as a column, such as ``genes``, ``options`` and ``truth``; with
    ``task`` the task object. A function without ``**kwargs`` gets the columns that it names and that are there.

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

    Raises
    ------
    TypeError
        The function needs a column that there is not.
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
        self._named = named_columns(reward)
        known = {*_columns(examples), *_ALWAYS, *(("task",) if task is not None else ())}
        unknown = [column for column in required_columns(reward) if column not in known]
        if unknown:
            raise TypeError(
                f"reward={name} needs {', '.join(unknown)}, but the columns are {', '.join(sorted(known))}: use one of "
                "these, or give the parameter a default"
            )

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
        given = {
            **_columns([self._examples[row[i]] for i in own]),
            **{name: _taken(values, own, len(row)) for name, values in columns.items()},
            "prompts": [prompts[i] for i in own],
            "completions": chosen,
            "question": question,
            **({} if log_metric is None else {"log_metric": log_metric}),
        }
        if self._named is not None:
            given = {name: values for name, values in given.items() if name in self._named}
        found = self._reward(**given)
        for i, reward in zip(own, found, strict=True):
            rewards[i] = reward
        if log_metric is not None:
            answers = read_answers(chosen, question)
            log_metric(f"{self.__name__}/valid", sum(answer is not None for answer in answers) / len(own))
        return rewards


def _columns(examples: Sequence[TrainingExample]) -> dict[str, list[Any]]:
    """The examples, their units, and every field of theirs; ``None`` where an example of another task lacks it."""
    names = dict.fromkeys(field.name for one in examples for field in fields(one.example))
    return {
        **{name: [getattr(one.example, name, None) for one in examples] for name in names},
        "example": [one.example for one in examples],
        "unit": [one.unit for one in examples],
    }


def _taken(values: Any, rows: Sequence[int], n: int) -> Any:
    """These rows of a column; anything else unchanged."""
    return [values[i] for i in rows] if isinstance(values, list) and len(values) == n else values
