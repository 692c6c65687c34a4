"""Classifier on reference cells: a second estimate of the cell type, and the in-distribution probability of a cell.

A language model may be confident on cells unlike all of its training cells. A model's folder may therefore hold
reference cells (some of the training cells) and an embedding of each gene in which cell types are separated and studies
are mixed. A cell is embedded by the genes of its sentence. Both the reference cells and the new cells are limited to
the genes that were measured in the new cells. Two results follow: the similarity of a cell to the reference cells, and
a linear classifier of cell types. The classifier is more robust than the language model where a study or its gene
panel differs from the training data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import softmax

from ._spec import ModelSpec

#: File with the reference cells in a model's folder.
REFERENCE_FILE = "reference.npz"
#: Similarity is that to the k-th nearest reference cell, so that a single outlier does not count.
_K_NEAREST = 5
#: Genes of a reference cell's sentence at most: about as many as a model knows of the 200 in a default prompt.
_MAX_GENES = 120


class FittedReference(NamedTuple):
    """Reference cells limited to the measured genes, and the classifier fitted on them."""

    #: Gene embeddings, (n_genes, width).
    gene_vectors: NDArray[np.float32]
    #: Unit vectors of the reference cells, (n_cells, width).
    cell_vectors: NDArray[np.float32]
    #: Weights of the linear classifier, (width + 1, n_labels); the last row is the intercept.
    weights: NDArray[np.float32]


class ReferenceClassifier(NamedTuple):
    """Linear classifier on reference cells, and the similarity of cells to them."""

    #: Row of each gene in the gene embeddings.
    gene_index: dict[str, int]
    #: Column of each label in the classifier.
    label_index: dict[str, int]
    fitted: FittedReference
    #: Similarity at which the in-distribution probability is 0.5, and the slope of the logistic curve there.
    midpoint: float
    slope: float
    #: Calibration temperature of the class scores as a member of the ensemble.
    temperature: float

    def ensemble_probabilities(
        self, model: NDArray[np.float64], cells: Sequence[Sequence[str]], labels: Sequence[str]
    ) -> NDArray[np.float64]:
        """Mean of the label probabilities of the language model and of this classifier, (n_cells, n_labels).

        Parameters
        ----------
        model
            Label probabilities of the language model, (n_cells, n_labels). A row may sum to less than 1, by the
            probability of none of the labels; the result sums to the same.
        cells
            Genes of each cell sentence, highest first.
        labels
            Labels of the columns.
        """
        own = softmax(self.class_scores(cells, labels) / self.temperature, axis=1)
        return (model + model.sum(1, keepdims=True) * own) / 2

    def class_scores(self, cells: Sequence[Sequence[str]], labels: Sequence[str]) -> NDArray[np.float64]:
        """Score of each label for each cell before softmax, (n_cells, n_labels)."""
        weights = self.fitted.weights[:, [self.label_index[label] for label in labels]]
        return np.array([self.project_cell(genes) @ weights[:-1] + weights[-1] for genes in cells], dtype=float)

    def in_distribution_probability(self, cells: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Probability that each cell is like the training cells of the model, (n_cells,)."""
        similarity = np.array([self.similarity(genes) for genes in cells])
        return 1 / (1 + np.exp(-self.slope * (similarity - self.midpoint)))

    def similarity(self, genes: Sequence[str]) -> float:
        """Cosine similarity of a cell to the fifth nearest reference cell.

        One matrix product per cell, so that the result does not depend on the other cells, to the last bit.
        """
        return float(np.partition(self.fitted.cell_vectors @ self.project_cell(genes), -_K_NEAREST)[-_K_NEAREST])

    def project_cell(self, genes: Sequence[str]) -> NDArray[np.float32]:
        """Embed a cell by the genes of its sentence: a unit vector, (width,)."""
        rows = [self.gene_index[gene] for gene in genes]
        vector = rank_weights(len(rows)) @ self.fitted.gene_vectors[rows]
        return vector / max(np.linalg.norm(vector), np.finfo(np.float32).tiny)


def rank_weights(n: int) -> NDArray[np.float32]:
    """Weight of each rank in a cell sentence of ``n`` genes, highest first."""
    return np.reciprocal(np.log2(np.arange(n, dtype=np.float32) + 4))


def read_reference_classifier(spec: ModelSpec, measured: Iterable[str]) -> ReferenceClassifier | None:
    """Fit the reference classifier of a model on the genes that were measured.

    Parameters
    ----------
    spec
        The model.
    measured
        Gene symbols that were measured in the cells to classify.

    Returns
    -------
    The classifier; ``None`` if the model has no reference cells.

    Examples
    --------
    >>> import sc_duality as sd
    >>> spec = sd.models.resolve("embedded")
    >>> classifier = sd.models.read_reference_classifier(spec, spec.genes)
    >>> scores = classifier.class_scores([["CD79A", "MS4A1", "CD37"]], ["B cell", "natural killer cell"])
    >>> bool(scores[0, 0] > scores[0, 1])
    True
    """
    calibration = spec.known("annotation", "in_distribution")
    if not calibration:
        return None
    gene_index = {gene: row for row, gene in enumerate(sorted(spec.genes or ()))}
    rows = tuple(sorted(gene_index[gene] for gene in set(measured) & gene_index.keys()))
    file = Path(spec.vocabulary or spec.source) / REFERENCE_FILE
    fitted = _fit_once(file, file.stat().st_mtime_ns, rows)
    label_index = {label: i for i, label in enumerate(spec.known("annotation", "labels", ()))}
    return ReferenceClassifier(gene_index, label_index, fitted, **calibration)


@lru_cache(maxsize=4)
def _fit_once(file: Path, _modified: int, rows: tuple[int, ...]) -> FittedReference:
    """Keep the last classifiers; a file that was modified is read again."""
    return fit_reference_classifier(file, rows)


def fit_reference_classifier(file: Path, rows: Sequence[int]) -> FittedReference:
    """Fit the classifier on the reference cells in a file.

    Parameters
    ----------
    file
        Holds ``vectors``, gene embeddings (n_genes, width); the sentences of the reference cells as rows of these, one
        after the other in ``genes``, with their ``lengths``: all cells as measured, then each of them once more,
        augmented; and ``labels``, the index of each cell's label.
    rows
        Rows of the genes that were measured.
    """
    from sklearn.linear_model import LogisticRegression

    with np.load(file, allow_pickle=False) as content:
        vectors, genes, lengths, labels = (content[name] for name in ("vectors", "genes", "lengths", "labels"))
    vectors = vectors.astype(np.float32)
    cells = project_cells(vectors, genes, lengths, np.isin(np.arange(len(vectors)), rows))
    model = LogisticRegression(max_iter=200).fit(cells, np.tile(labels, 2))
    weights = np.vstack([model.coef_.T, model.intercept_]).astype(np.float32)
    # The classifier is fitted on augmented cells as well; similarity is that to cells as measured.
    return FittedReference(vectors, cells[: len(labels)], weights)


def project_cells(
    vectors: NDArray[np.float32],
    genes: NDArray[np.uint16],
    lengths: NDArray[np.uint16],
    measured: NDArray[np.bool_],
    n_genes: int = _MAX_GENES,
) -> NDArray[np.float32]:
    """Embed many cells by the first ``n_genes`` measured genes of their sentences: unit vectors, (n_cells, width).

    Parameters
    ----------
    vectors
        Gene embeddings, (n_all_genes, width).
    genes
        Sentences of all cells as rows of ``vectors``, one after the other.
    lengths
        Number of genes of each sentence, (n_cells,).
    measured
        Whether each gene was measured, (n_all_genes,).
    n_genes
        Genes of a cell at most.
    """
    is_measured = measured[genes]
    cell = np.repeat(np.arange(len(lengths)), lengths)
    n_measured = np.bincount(cell[is_measured], minlength=len(lengths))
    starts = np.cumsum(n_measured) - n_measured
    rank = np.arange(n_measured.sum()) - np.repeat(starts, n_measured)
    kept = rank < n_genes
    row_ends = np.append(0, np.cumsum(np.minimum(n_measured, n_genes)))
    values = rank_weights(n_genes)[rank[kept]]
    sentences = sparse.csr_matrix((values, genes[is_measured][kept], row_ends), (len(lengths), len(vectors)))
    projected = sentences @ vectors
    return projected / np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), np.finfo(np.float32).tiny)
