"""Labels against the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ._checks import same_length


def accuracy(truth: Sequence[object] | np.ndarray, answers: Sequence[object] | np.ndarray) -> float:
    """Share of cells whose answer is the true label.

    Labels are compared as exact texts. A missing answer (None or NaN) is wrong.

    Parameters
    ----------
    truth
        The label of each cell.
    answers
        As many answers.

    Returns
    -------
    The share, 0 to 1.

    Raises
    ------
    ValueError
        There are no cells, not as many answers as truths, or a true label is missing.

    Examples
    --------
    >>> from sc_duality.metrics import accuracy
    >>> accuracy(["B", "B", "T", "NK"], ["B", "T", "T", None])
    0.5
    """
    wanted, given = _names(truth, answers)
    return float(np.mean([a == b for a, b in zip(wanted, given, strict=True)]))


def macro_f1(truth: Sequence[object] | np.ndarray, answers: Sequence[object] | np.ndarray) -> float:
    """F1 of every label that occurs in the truth, averaged over these labels.

    F1 of a label is 2 · (cells with it on both sides) / (cells with it in truth + cells with it in answers). Labels
    are compared as exact texts. A missing answer (None or NaN) is wrong; a label that only answers have does not enter
    the mean, but costs the labels whose cells got it.

    Parameters
    ----------
    truth
        The label of each cell.
    answers
        As many answers.

    Returns
    -------
    The mean, 0 to 1.

    Raises
    ------
    ValueError
        There are no cells, not as many answers as truths, or a true label is missing.

    Examples
    --------
    >>> from sc_duality.metrics import macro_f1
    >>> macro_f1(["B", "B", "T"], ["B", None, "T"])
    0.833...
    """
    wanted, given = (np.array(names, dtype=object) for names in _names(truth, answers))
    both = [
        2 * ((wanted == label) & (given == label)).sum() / ((wanted == label).sum() + (given == label).sum())
        for label in set(wanted)
    ]
    return float(np.sort(both).mean())


def _names(truth: Iterable[object], answers: Iterable[object]) -> tuple[list[str | None], list[str | None]]:
    wanted, given = ([None if _missing(label) else str(label) for label in labels] for labels in (truth, answers))
    same_length(wanted, given, "labels")
    if None in wanted:
        raise ValueError(f"the true label of {wanted.count(None)} of {len(wanted)} cells is missing: leave them out")
    return wanted, given


def _missing(label: object) -> bool:
    """None, or what is not equal to itself: NaN, and pandas' NA, whose comparison has no truth value."""
    try:
        return label is None or bool(label != label)
    except TypeError:
        return True
