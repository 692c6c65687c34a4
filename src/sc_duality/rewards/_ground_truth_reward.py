"""The supervised reward that the label-free rewards are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tasks import Question
from ._completions import read_answers


def ground_truth_reward(
    completions: Sequence[Any], question: Sequence[Question], **_columns: Any
) -> list[float | None]:
    """Similarity of each answer to the truth: the oracle of a comparison.

    A label is right (1) or wrong (0); a gene list has its rank-weighted Jaccard similarity to the true one; joint
    annotation the share of cells whose label is right.

    Parameters
    ----------
    completions
        What the model wrote, texts or conversations.
    question
        The question of each completion; its ``target`` is the truth.

    Returns
    -------
    One reward a completion: 0 where no answer can be read, ``None`` where there is no truth.

    Examples
    --------
    >>> from sc_duality.rewards import ground_truth_reward
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> example = LabelExample(genes=("CD79A",), options=("B cell", "T cell"), truth="B cell")
    >>> question = Annotation().question(example)
    >>> ground_truth_reward(["<answer>B cell</answer>", "<answer>T cell</answer>", "B cell"], [question] * 3)
    [1.0, 0.0, 0.0]
    """
    answers = read_answers(completions, question)
    return [
        None if one.target is None else 0.0 if answer is None else one.similarity(answer.value)
        for one, answer in zip(question, answers, strict=True)
    ]


ground_truth_reward.needs_truth = True  # type: ignore[attr-defined]
