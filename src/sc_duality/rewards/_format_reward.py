"""Penalty for completions without a readable answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tasks import Question
from ._completions import read_answers


def format_reward(completions: Sequence[Any], question: Sequence[Question], **_columns: Any) -> list[float | None]:
    """−1 where no answer can be read, else 0; add it to another reward, as Cell-o1 does (§4.3.2).

    Parameters
    ----------
    completions
        What the model wrote, texts or conversations.
    question
        The question of each completion.

    Returns
    -------
    One reward a completion.

    Examples
    --------
    >>> from sc_duality.rewards import format_reward
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> question = Annotation().question(LabelExample(genes=("CD79A",), options=("B cell", "T cell")))
    >>> format_reward(["<answer>T cell</answer>", "T cell"], [question] * 2)
    [0.0, -1.0]
    """
    return [-1.0 if answer is None else 0.0 for answer in read_answers(completions, question)]
