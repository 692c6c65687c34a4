"""Accuracy of a linear classifier on an embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import named_groups, population
from ._classification import accuracy, macro_f1


class LinearProbe(NamedTuple):
    """Scores of the held-out cells, from 0 to 1."""

    accuracy: float
    #: Mean of F1 over the labels.
    macro_f1: float


def linear_probe(
    embedding: ArrayLike,
    labels: Sequence[str] | NDArray[np.generic],
    split: ArrayLike,
    *,
    C: float = 1.0,
    max_iter: int = 1000,
) -> LinearProbe:
    """Accuracy of logistic regression on an embedding: how well a linear classifier reads labels off it.

    Parameters
    ----------
    embedding
        Embedding of the cells, (n, d). Each dimension is standardised by the training cells.
    labels
        Label of each cell, such as its cell type.
    split
        bool (n,): True for held-out cells. Split by donor, such as ``adata.obs["donor"].isin(held_out)``; a split of
        the cells of a donor measures how well the donor is known.
    C
        Inverse strength of the L2 penalty.
    max_iter
        Iterations of the solver.

    Returns
    -------
    A named pair ``accuracy``, ``macro_f1`` of the held-out cells. Held-out cells of a label without training cells
    count as wrong.

    Raises
    ------
    ValueError
        Lengths differ, values are missing, no cell is held out or left to train on, or training cells have one label.

    Notes
    -----
    C2S-Scale §4.7.3: a regularised logistic regression on frozen embeddings.

    Examples
    --------
    >>> from sc_duality.metrics import linear_probe
    >>> linear_probe([[0.0], [1.0], [0.1], [0.9]], ["B", "T", "B", "T"], [False, False, True, True])
    LinearProbe(accuracy=1.0, macro_f1=1.0)
    """
    x = population(embedding, "embedding")
    held_out = np.asarray(split)
    if held_out.dtype != bool:
        raise ValueError(f"split must be bool, True for held-out cells, got {held_out.dtype}: obs[column].isin(donors)")
    for what, values in (("labels", np.asarray(labels, dtype=object)), ("split", held_out)):
        if values.shape != (len(x),):
            raise ValueError(f"{what} has the shape {values.shape} for {len(x)} cells: pass one value for each")
    names = named_groups(labels, "labels")
    if not held_out.any() or len(np.unique(names[~held_out])) < 2:
        raise ValueError(
            f"{int(held_out.sum())} held-out cells, and {len(np.unique(names[~held_out]))} labels among the "
            f"{int((~held_out).sum())} training cells: at least 1 and 2 are needed"
        )

    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=max_iter))
    predicted = probe.fit(x[~held_out], names[~held_out]).predict(x[held_out])
    truth, found = names[held_out].tolist(), predicted.tolist()
    return LinearProbe(float(accuracy(truth, found)), float(macro_f1(truth, found)))
