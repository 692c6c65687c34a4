"""How a predicted label relates to the true one in a hierarchy, and scores by label."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ._classification import paired_labels

Relation = Literal["exact", "coarser", "finer", "wrong"]


class LabelScores(NamedTuple):
    """Scores of one label."""

    #: Share of the cells predicted to have the label that have it; 0 if there is none.
    precision: float
    #: Share of the cells with the label that are predicted to have it.
    recall: float
    #: Harmonic mean of both.
    f1: float
    #: Number of cells with the label, and number predicted to have it.
    n_true: int
    n_predicted: int


def label_relations(
    truth: Sequence[object] | np.ndarray,
    predicted: Sequence[object] | np.ndarray,
    ancestors: Mapping[str, Collection[str]],
) -> list[Relation]:
    """Whether each predicted label is the true one, a coarser one, a finer one or another one.

    A missing prediction (None, NaN or their text) is wrong. Labels are compared as exact strings.

    Parameters
    ----------
    truth
        The true label of each cell.
    predicted
        The predicted label of each cell.
    ancestors
        The coarser labels of each label; a label without coarser ones may be left out.

    Returns
    -------
    ``"exact"``; ``"coarser"`` if the prediction is an ancestor of the truth; ``"finer"`` if the truth is an ancestor of
    the prediction; else ``"wrong"``.

    Raises
    ------
    ValueError
        There are no cells, the numbers of labels differ, or a true label is missing.

    Examples
    --------
    >>> from sc_duality.metrics import label_relations
    >>> label_relations(["CD4 T", "T", "B", "B"], ["T", "CD4 T", "B", None], {"CD4 T": {"T"}})
    ['coarser', 'finer', 'exact', 'wrong']
    """

    def relation(true: str | None, found: str | None) -> Relation:
        if found is None or true is None:
            return "wrong"
        if found == true:
            return "exact"
        if found in ancestors.get(true, ()):
            return "coarser"
        return "finer" if true in ancestors.get(found, ()) else "wrong"

    return [relation(*pair) for pair in zip(*paired_labels(truth, predicted), strict=True)]


def scores_by_label(
    truth: Sequence[object] | np.ndarray, predicted: Sequence[object] | np.ndarray
) -> dict[str, LabelScores]:
    """Precision, recall and F1 of every label in the truth.

    Labels are compared as exact strings. A missing prediction (None, NaN or their text) counts as wrong.

    Parameters
    ----------
    truth
        The true label of each cell.
    predicted
        The predicted label of each cell.

    Raises
    ------
    ValueError
        There are no cells, the numbers of labels differ, or a true label is missing.

    Examples
    --------
    >>> from sc_duality.metrics import scores_by_label
    >>> scores_by_label(["B", "B", "T"], ["B", "T", "T"])["T"]
    LabelScores(precision=0.5, recall=1.0, f1=0.66..., n_true=1, n_predicted=2)
    """
    true, found = (np.array(names, dtype=object) for names in paired_labels(truth, predicted))
    scores = {}
    for label in sorted(set(true)):
        n_true, n_predicted = int((true == label).sum()), int((found == label).sum())
        n_both = int(((true == label) & (found == label)).sum())
        precision = n_both / n_predicted if n_predicted else 0.0
        scores[label] = LabelScores(
            precision, n_both / n_true, 2 * n_both / (n_true + n_predicted), n_true, n_predicted
        )
    return scores
