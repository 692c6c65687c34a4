"""Accuracy of a nearest-neighbour classifier of real cells on generated cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ._checks import named_groups, populations


def knn_accuracy(
    real: ArrayLike,
    real_labels: Sequence[str] | np.ndarray,
    generated: ArrayLike,
    target_labels: Sequence[str] | np.ndarray,
    *,
    k: Sequence[int] = (3, 5, 10, 25),
) -> dict[int, float]:
    """Share of generated cells that a classifier of real cells assigns to the label they were generated for.

    The classifier takes the majority vote of the ``k`` nearest real cells by Euclidean distance. If labels have the
    same number of votes, the first in sorted order wins. Every generated cell counts once.

    Parameters
    ----------
    real
        Cells × dimensions: training data of the classifier. The numbers of cells per label are its prior.
    real_labels
        The label of each real cell.
    generated
        Cells × dimensions, in the same embedding.
    target_labels
        The label that each cell was generated for.
    k
        Numbers of neighbours.

    Returns
    -------
    The accuracy for each ``k``.

    Raises
    ------
    ValueError
        There are no cells, missing values or labels, different dimensions, not one label for each cell, or a ``k`` that
        is not between 1 and the number of real cells.

    Notes
    -----
    Cell2Sentence and CellDuality report it for k = 3, 5, 10 and 25, but not the embedding or the number of cells.

    Examples
    --------
    >>> from sc_duality.metrics import knn_accuracy
    >>> real, labels = [[0.0], [1.0], [8.0], [9.0]], ["B", "B", "T", "T"]
    >>> knn_accuracy(real, labels, [[0.4], [8.4]], ["B", "B"], k=[1])
    {1: 0.5}
    """
    x, y = populations(real, generated)
    for cells, names, what in ((x, real_labels, "real_labels"), (y, target_labels, "target_labels")):
        if len(cells) != len(names):
            raise ValueError(f"{len(cells)} cells, but {len(names)} {what}: pass one for each")
    invalid = [n for n in k if not 1 <= n <= len(x)]
    if invalid or not len(k):
        raise ValueError(f"k must be between 1 and the {len(x)} real cells, got {invalid or k}")

    known, target = named_groups(real_labels, "real_labels"), named_groups(target_labels, "target_labels")
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier().fit(x, known)
    return {int(n): float((classifier.set_params(n_neighbors=int(n)).predict(y) == target).mean()) for n in k}
