"""Scores of joint annotation: a batch of cells is labelled together (Cell-o1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._checks import lists_of_names, same_length

#: Names of the scores, in their order.
_NAMES = ("cell_accuracy", "batch_accuracy", "format_validity", "uniqueness")


def puzzle_scores(truth: Sequence[Sequence[str]], predicted: Sequence[Any]) -> dict[str, float]:
    """The four scores of Cell-o1 puzzles, each a mean over batches.

    An invalid prediction (None, or not one label for each cell) counts as 0 in all four. A missing label in it (None)
    is wrong, makes the format invalid, and is not a different label.

    Parameters
    ----------
    truth
        For each batch the true labels of its cells.
    predicted
        For each batch the predicted labels in the same order; None if the completion could not be parsed.

    Returns
    -------
    Four values from 0 to 1. ``cell_accuracy``: share of the cells of a batch with the correct label.
    ``batch_accuracy``: share of batches with all labels correct. ``format_validity``: share of batches with a valid
    prediction. ``uniqueness``: number of different predicted labels over the number of cells.

    Raises
    ------
    TypeError
        The labels of a batch are a string.
    ValueError
        There are no batches, the numbers of batches differ, or a batch is empty.

    Notes
    -----
    Cell-o1, appendix B.1, which does not say how the other three scores count predictions of the wrong length.

    Examples
    --------
    >>> from sc_duality.metrics import puzzle_scores
    >>> puzzle_scores([["B", "T"], ["NK", "B"]], [["B", "B"], None])
    {'cell_accuracy': 0.25, 'batch_accuracy': 0.0, 'format_validity': 0.5, 'uniqueness': 0.25}
    """
    return {name: float(values.mean()) for name, values in scores_by_puzzle(truth, predicted).items()}


def scores_by_puzzle(truth: Sequence[Sequence[str]], predicted: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
    """The four scores of each Cell-o1 puzzle, whose means are :func:`sc_duality.metrics.puzzle_scores`.

    Parameters
    ----------
    truth, predicted
        As for :func:`sc_duality.metrics.puzzle_scores`.

    Returns
    -------
    For each score an array with one value a batch.

    Raises
    ------
    TypeError, ValueError
        As for :func:`sc_duality.metrics.puzzle_scores`.

    Examples
    --------
    >>> from sc_duality.metrics import scores_by_puzzle
    >>> scores_by_puzzle([["B", "T"], ["NK", "B"]], [["B", "B"], None])["cell_accuracy"]
    array([0.5, 0. ])
    """
    same_length(truth, predicted, "batches")
    lists_of_names([*truth, *predicted])
    empty = sum(len(labels) == 0 for labels in truth)
    if empty:
        raise ValueError(f"{empty} of {len(truth)} batches hold no cells: leave them out")
    rows = [_scores(labels, prediction) for labels, prediction in zip(truth, predicted, strict=True)]
    return dict(zip(_NAMES, np.array(rows).T, strict=True))


def _scores(truth: Sequence[str], predicted: Sequence[str | None] | None) -> tuple[float, float, float, float]:
    if predicted is None or len(predicted) != len(truth):
        return 0.0, 0.0, 0.0, 0.0
    correct = sum(a == b for a, b in zip(truth, predicted, strict=True)) / len(truth)
    valid = float(None not in predicted)
    return correct, float(correct == 1), valid, len(set(predicted) - {None}) / len(truth)
