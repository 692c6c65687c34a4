"""Scores of puzzles: a batch of cells, each with a label of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._checks import refuse_texts, same_length


def puzzle_scores(truth: Sequence[Sequence[str]], answers: Sequence[Sequence[str] | None]) -> dict[str, float]:
    """The four scores of Cell-o1's puzzles, each a mean over batches.

    An answer that could not be read, or that does not have one label for each cell, counts as 0 in all four.

    Parameters
    ----------
    truth
        For each batch the labels of its cells.
    answers
        For each batch the labels that were given, in the same order; None for an answer that could not be read.

    Returns
    -------
    ``cell_accuracy``, the share of a batch's cells with the right label; ``batch_accuracy``, the share of batches with
    all labels right; ``format_validity``, the share of batches with an answer; ``uniqueness``, the number of different
    labels in an answer over the number of cells. All go from 0 to 1.

    Raises
    ------
    TypeError
        An answer is given as text.
    ValueError
        There are no batches, not as many answers as batches, or a batch is empty.

    Notes
    -----
    Cell-o1, appendix B.1. It does not say how answers of the wrong length count in its other three scores.

    Examples
    --------
    >>> from sc_duality.metrics import puzzle_scores
    >>> puzzle_scores([["B", "T"], ["NK", "B"]], [["B", "B"], None])
    {'cell_accuracy': 0.25, 'batch_accuracy': 0.0, 'format_validity': 0.5, 'uniqueness': 0.25}
    """
    same_length(truth, answers, "batches")
    refuse_texts([*truth, *answers])
    empty = sum(len(labels) == 0 for labels in truth)
    if empty:
        raise ValueError(f"{empty} of {len(truth)} batches hold no cells: leave them out")
    rows = [_row(labels, given) for labels, given in zip(truth, answers, strict=True)]
    names = ("cell_accuracy", "batch_accuracy", "format_validity", "uniqueness")
    return {name: float(value) for name, value in zip(names, np.mean(rows, axis=0), strict=True)}


def _row(truth: Sequence[str], answer: Sequence[str] | None) -> tuple[float, float, float, float]:
    if answer is None or len(answer) != len(truth):
        return 0.0, 0.0, 0.0, 0.0
    right = sum(a == b for a, b in zip(truth, answer, strict=True)) / len(truth)
    return right, float(right == 1), 1.0, len(set(answer)) / len(truth)
