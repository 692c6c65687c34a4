"""Completions as TRL passes them, and the answers in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any

from ..tasks import Answer, Failure, Question

#: What TRL's GRPOTrainer takes as ``reward_funcs``.
RewardFunction = Callable[..., list[float | None]]


def completion_text(completion: str | Sequence[Mapping[str, str]]) -> str:
    """The text of a completion, or of the last message of a conversation.

    Examples
    --------
    >>> from sc_duality.rewards import completion_text
    >>> completion_text([{"role": "assistant", "content": "B cell"}])
    'B cell'
    """
    return completion if isinstance(completion, str) else completion[-1]["content"]


def read_answers(completions: Sequence[Any], question: Sequence[Question]) -> list[Answer | None]:
    """The answer in each completion, ``None`` where it cannot be read.

    Examples
    --------
    >>> from sc_duality.rewards import read_answers
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> question = Annotation().question(LabelExample(genes=("CD79A",), options=("B cell", "T cell")))
    >>> [answer and answer.value for answer in read_answers(["<answer>B cell</answer>", "?"], [question] * 2)]
    ['B cell', None]
    """
    found = [one.parse(completion_text(text)) for text, one in zip(completions, question, strict=True)]
    return [None if isinstance(answer, Failure) else answer for answer in found]


def named_columns(reward: RewardFunction) -> tuple[str, ...] | None:
    """The columns that a reward function names, ``None`` where it takes any.

    Examples
    --------
    >>> from sc_duality.rewards import format_reward, named_columns
    >>> named_columns(format_reward), named_columns(lambda completions, truth: [0.0] * len(completions))
    (None, ('completions', 'truth'))
    """
    parameters = signature(reward).parameters.values()
    return None if any(one.kind is one.VAR_KEYWORD for one in parameters) else tuple(one.name for one in parameters)


def required_columns(reward: RewardFunction) -> tuple[str, ...]:
    """The columns that a reward function cannot do without: its parameters without a default.

    Examples
    --------
    >>> from sc_duality.rewards import ground_truth_reward, required_columns
    >>> required_columns(ground_truth_reward), required_columns(lambda completions, scale=1.0: completions)
    (('completions', 'question'), ('completions',))
    """
    parameters = signature(reward).parameters.values()
    variadic = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
    return tuple(one.name for one in parameters if one.default is one.empty and one.kind not in variadic)
