"""Cell-o1's reward: a batch of cells is labelled together, and only all of it counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._each import score_each
from ._exact import exact_match


def batch(
    completions: Sequence[Any],
    truth: Sequence[Any],
    *,
    with_cells: bool = False,
    invalid_reward: float = -1.0,
    **_columns: Any,
) -> list[float | None]:
    """1 where every cell of the batch has its label, else 0, and −1 for a bad format (Cell-o1 §4.3.2, equation 2).

    Parameters
    ----------
    completions
        For each batch, one label a cell; ``None`` for an answer that could not be read.
    truth
        The right labels in the same order. As many labels as cells belong to the format.
    with_cells
        Take the mean of that and the share of cells that are right (Cell-o1 §5, configuration D).
    invalid_reward
        The reward of a bad format.

    Returns
    -------
    One reward a batch.

    Examples
    --------
    >>> from sc_duality.rewards import batch
    >>> answers = [("B cell", "T cell"), ("B cell", "B cell"), None]
    >>> batch(answers, truth=[("B cell", "T cell")] * 3)
    [1.0, 0.0, -1.0]
    >>> batch(answers, truth=[("B cell", "T cell")] * 3, with_cells=True)
    [1.0, 0.25, -1.0]
    """

    def score(labels: Sequence[str], answer: Sequence[str]) -> float:
        if len(answer) != len(labels):
            return invalid_reward
        right = [exact_match(*pair) for pair in zip(labels, answer, strict=True)]
        whole = float(all(right))
        return (whole + sum(right) / len(right)) / 2 if with_cells else whole

    return score_each(score, completions, truth, invalid_reward)
