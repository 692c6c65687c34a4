"""Whether generated cells lie among real cells of the type that was asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ._checks import populations


def knn_accuracy(
    real: ArrayLike,
    labels: Sequence[str] | np.ndarray,
    generated: ArrayLike,
    asked_labels: Sequence[str] | np.ndarray,
    *,
    k: Sequence[int] = (3, 5, 10, 25),
) -> dict[int, float]:
    """Share of generated cells that a classifier of real cells takes for the type that was asked for.

    The classifier is the majority of the ``k`` nearest real cells by Euclidean distance, each with one vote; of labels
    with the same number of votes, the first in sorted order wins. Every generated cell counts once.

    Parameters
    ----------
    real
        Cells × dimensions: what the classifier learns from. Its numbers of cells per label are its prior.
    labels
        Their labels.
    generated
        Cells × dimensions, in the same embedding.
    asked_labels
        The label that each was generated for.
    k
        Numbers of neighbours.

    Returns
    -------
    The accuracy for each ``k``.

    Raises
    ------
    ValueError
        There are no cells, missing values, different dimensions, a label too many or too few, or a ``k`` that is not
        between 1 and the number of real cells.

    Notes
    -----
    Cell2Sentence and CellDuality report it for k = 3, 5, 10 and 25, without the space or the number of cells.

    Examples
    --------
    >>> from sc_duality.metrics import knn_accuracy
    >>> real, labels = [[0.0], [1.0], [8.0], [9.0]], ["B", "B", "T", "T"]
    >>> knn_accuracy(real, labels, [[0.4], [8.4]], ["B", "B"], k=[1])
    {1: 0.5}
    """
    x, y = populations(real, generated)
    for cells, names, what in ((x, labels, "labels"), (y, asked_labels, "asked_labels")):
        if len(cells) != len(names):
            raise ValueError(f"{len(cells)} cells, but {len(names)} {what}: give one for each")
    wrong = [n for n in k if not 1 <= n <= len(x)]
    if wrong or not len(k):
        raise ValueError(f"k must be between 1 and the {len(x)} real cells, got {wrong or k}")

    from sklearn.neighbors import KNeighborsClassifier

    wanted = np.asarray(asked_labels, dtype=object).astype(str)
    classifier = KNeighborsClassifier().fit(x, np.asarray(labels, dtype=object).astype(str))
    return {int(n): float((classifier.set_params(n_neighbors=int(n)).predict(y) == wanted).mean()) for n in k}
