"""Fit the reference classifier of a model on the reference cells in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._reference_projection import project_cells

#: Score of a label without reference cells: that of a label with cells is always higher.
NO_CELLS = -1e4


class FittedReference(NamedTuple):
    """Reference cells limited to the measured genes, and the classifier fitted on them."""

    #: Gene embeddings, (n_genes, width): first those of the genes in the model's vocabulary.
    gene_vectors: NDArray[np.float32]
    #: Unit vectors of the reference cells by the genes of the vocabulary, (n_cells, width).
    cell_vectors: NDArray[np.float32]
    #: Weights of the linear classifier; the last row is the intercept. (width + 1, n_labels), or (2 × width + 1,
    #: n_labels) with genes outside the vocabulary.
    weights: NDArray[np.float32]
    #: What is subtracted from the part of a cell by genes outside the vocabulary, (width,); ``None`` without such.
    offset: NDArray[np.float32] | None = None


def fit_reference_classifier(file: Path, rows: Sequence[int], n_vocabulary: int, n_labels: int) -> FittedReference:
    """Fit the classifier on the reference cells in a file.

    Parameters
    ----------
    file
        Holds ``vectors``, gene embeddings (n_genes, width); the sentences of the reference cells as rows of these, one
        after the other in ``genes``, with their ``lengths``: all cells as measured, then each of them once more,
        augmented; ``labels``, the index of each cell's label; and, if cells count differently, their ``weights``.
    rows
        Rows of the genes that were measured.
    n_vocabulary
        Number of genes in the model's vocabulary, whose rows come first.
    n_labels
        Number of labels. One without cells has a low score.
    """
    with np.load(file, allow_pickle=False) as content:
        vectors, genes, lengths, labels = (content[name] for name in ("vectors", "genes", "lengths", "labels"))
        weights = np.tile(content["weights"], 2) if "weights" in content else None
        means = content.get("further_means")
    vectors = vectors.astype(np.float32)
    measured = np.isin(np.arange(len(vectors)), rows)
    cells = project_cells(vectors, genes, lengths, measured, n_vocabulary=n_vocabulary, means=means)
    of_labels = np.zeros((cells.shape[1] + 1, n_labels), np.float32)
    of_labels[-1] = NO_CELLS
    of_labels[:, np.unique(labels)] = _label_weights(cells, np.tile(labels, 2), weights)
    # The classifier is fitted on augmented cells as well; similarity is that to cells as measured.
    offset = None if means is None else (means * measured[n_vocabulary:]) @ vectors[n_vocabulary:]
    return FittedReference(vectors, cells[: len(labels), : vectors.shape[1]], of_labels, offset)


def _label_weights(
    cells: NDArray[np.float32], labels: NDArray[np.integer], weights: NDArray[np.float32] | None
) -> NDArray[np.floating]:
    """Weights of each label that has cells, in their order; the last row is the intercept."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if len(np.unique(labels)) == 1:
        return np.zeros((cells.shape[1] + 1, 1))
    with threadpool_limits(1):  # steps of some 20 ms: more threads mostly wait for each other
        model = LogisticRegression(max_iter=200).fit(cells, labels, weights)
    found = np.vstack([model.coef_.T, model.intercept_])
    # Of two labels, scikit-learn has the difference of their scores.
    return np.hstack([-found / 2, found / 2]) if found.shape[1] == 1 else found
