"""Cell-o1's reward: a batch of cells counts only if every label is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tasks import Question
from ._completions import read_answers


def joint_annotation_reward(
    completions: Sequence[Any], question: Sequence[Question], *, with_cells: bool = False, **_columns: Any
) -> list[float | None]:
    """1 where every cell of the batch has its true label, else 0, and −1 for a bad format.

    Parameters
    ----------
    completions
        What the model wrote, texts or conversations.
    question
        The question of each completion; its ``target`` holds the true labels.
    with_cells
        Whether to average this with the share of cells that are right (Cell-o1 §6.1, configuration D).

    Returns
    -------
    One reward a completion, ``None`` where there is no truth.

    Notes
    -----
    Cell-o1 §4.3.2, equation 2.

    Examples
    --------
    >>> from sc_duality.rewards import joint_annotation_reward
    >>> from sc_duality.tasks import JointAnnotation, JointAnnotationExample
    >>> example = JointAnnotationExample(
    ...     cells=(("CD79A",), ("CD3E",)), options=("B cell", "T cell"), truth=("B cell", "T cell")
    ... )
    >>> texts = ["<answer>B cell | T cell</answer>", "<answer>T cell | B cell</answer>", "B cell"]
    >>> joint_annotation_reward(texts, [JointAnnotation().question(example)] * 3)
    [1.0, 0.0, -1.0]
    """

    def reward(one: Question, answer: Any) -> float | None:
        if one.target is None:
            return None
        if answer is None:
            return -1.0
        share = one.similarity(answer.value)
        return (float(share == 1) + share) / 2 if with_cells else float(share == 1)

    answers = read_answers(completions, question)
    return [reward(one, answer) for one, answer in zip(question, answers, strict=True)]


joint_annotation_reward.needs_truth = True  # type: ignore[attr-defined]
