"""Accuracy and F1 of predicted labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .._validation import is_missing
from ._checks import same_length


def accuracy(truth: Sequence[object] | np.ndarray, predicted: Sequence[object] | np.ndarray) -> float:
    """Share of cells whose predicted label is the true label.

    Labels are compared as exact strings. A missing prediction (None, NaN or their text) counts as wrong.

    Parameters
    ----------
    truth
        The true label of each cell.
    predicted
        The predicted label of each cell.

    Returns
    -------
    The share, 0 to 1.

    Raises
    ------
    ValueError
        There are no cells, the numbers of labels differ, or a true label is missing.

    Examples
    --------
    >>> from sc_duality.metrics import accuracy
    >>> accuracy(["B", "B", "T", "NK"], ["B", "T", "T", None])
    0.5
    """
    true, pred = paired_labels(truth, predicted)
    return float(np.mean([a == b for a, b in zip(true, pred, strict=True)]))


def macro_f1(truth: Sequence[object] | np.ndarray, predicted: Sequence[object] | np.ndarray) -> float:
    """F1 of every label in the truth, averaged over these labels.

    F1 of a label is 2 · (cells with it on both sides) / (cells with it in truth + cells with it in predicted). Labels
    are compared as exact strings. A missing prediction (None, NaN or their text) counts as wrong. A label that occurs
    only in ``predicted`` has no F1 of its own, but lowers the F1 of the true labels of its cells.

    Parameters
    ----------
    truth
        The true label of each cell.
    predicted
        The predicted label of each cell.

    Returns
    -------
    The mean, 0 to 1.

    Raises
    ------
    ValueError
        There are no cells, the numbers of labels differ, or a true label is missing.

    Examples
    --------
    >>> from sc_duality.metrics import macro_f1
    >>> macro_f1(["B", "B", "T"], ["B", None, "T"])
    0.833...
    """
    true, pred = (np.array(names, dtype=object) for names in paired_labels(truth, predicted))
    scores = [
        2 * ((true == label) & (pred == label)).sum() / ((true == label).sum() + (pred == label).sum())
        for label in set(true)
    ]
    return float(np.sort(scores).mean())  # sorted: the sum does not depend on the order of the labels


def paired_labels(truth: Iterable[object], predicted: Iterable[object]) -> tuple[list[str | None], list[str | None]]:
    """Labels as text, ``None`` where missing, or an error if they cannot be compared."""
    true, pred = ([None if is_missing(label) else str(label) for label in labels] for labels in (truth, predicted))
    same_length(true, pred, "labels")
    if None in true:
        raise ValueError(f"the true label of {true.count(None)} of {len(true)} cells is missing: leave them out")
    return true, pred
