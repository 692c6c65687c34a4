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
from scipy.special import softmax

from ._fitted_reference import NO_CELLS, FittedReference, fit_reference_classifier
from ._reference_projection import rank_weights
from ._spec import ModelSpec

#: File with the reference cells in a model's folder.
REFERENCE_FILE = "reference.npz"
#: Similarity is that to the k-th nearest reference cell, so that a single outlier does not count.
_K_NEAREST = 5


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
    #: Number of genes in the model's vocabulary, where the classifier knows further genes.
    n_vocabulary: int | None = None

    @property
    def genes(self) -> frozenset[str] | None:
        """Genes that the classifier reads, if there are others than those in the model's vocabulary."""
        return None if self.n_vocabulary is None else frozenset(self.gene_index)

    def ensemble_probabilities(
        self, model: NDArray[np.float64], cells: Sequence[Sequence[str]], labels: Sequence[str]
    ) -> NDArray[np.float64]:
        """Mean of the label probabilities of the language model and of this classifier, (n_cells, n_labels).

        The classifier alone decides how probable the labels are that the language model does not know, and the language
        model alone how probable the labels without reference cells are. The rest of the probability, and that of none
        of the labels, is divided among the other labels by the mean of both.

        Parameters
        ----------
        model
            Label probabilities of the language model, (n_cells, n_labels), NaN in the columns of labels that it does
            not know. A row may sum to less than 1, by the probability of none of the labels.
        cells
            Genes of each cell sentence, highest first.
        labels
            Labels of the columns.
        """
        scores = self.class_scores(cells, labels) / self.temperature
        found, known = softmax(scores, axis=1), ~np.isnan(model).any(axis=0)
        if known.any():
            rest = 1 - found[:, ~known].sum(1, keepdims=True)
            found[:, known] = rest * model[:, known]
            both = known & (self._weights(labels)[-1] > NO_CELLS)
            if both.any():
                of_model, own = (np.compress(both, table, axis=1) for table in (model, scores))
                own = softmax(own, axis=1)
                found[:, both] = rest * (of_model + of_model.sum(1, keepdims=True) * own) / 2
        return found

    def class_scores(self, cells: Sequence[Sequence[str]], labels: Sequence[str]) -> NDArray[np.float64]:
        """Score of each label for each cell before softmax, (n_cells, n_labels)."""
        weights = self._weights(labels)
        return np.array([self.project_cell(genes) @ weights[:-1] + weights[-1] for genes in cells], dtype=float)

    def _weights(self, labels: Sequence[str]) -> NDArray[np.float32]:
        """The columns of these labels in the weights of the classifier."""
        return self.fitted.weights[:, [self.label_index[label] for label in labels]]

    def in_distribution_probability(self, cells: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Probability that each cell is like the training cells of the model, (n_cells,)."""
        similarity = np.array([self.similarity(genes) for genes in cells])
        return 1 / (1 + np.exp(-self.slope * (similarity - self.midpoint)))

    def similarity(self, genes: Sequence[str]) -> float:
        """Cosine similarity of a cell to the fifth nearest reference cell, by the genes of the vocabulary.

        One matrix product per cell, so that the result does not depend on the other cells, to the last bit.
        """
        vector = self.project_cell(genes)[: self.fitted.cell_vectors.shape[1]]
        return float(np.partition(self.fitted.cell_vectors @ vector, -_K_NEAREST)[-_K_NEAREST])

    def project_cell(self, genes: Sequence[str]) -> NDArray[np.float32]:
        """Embed a cell by all of these genes, (width,); ``project_cells`` cuts the sentences of reference cells."""
        rows = np.array([self.gene_index[gene] for gene in genes], dtype=int)
        vectors, ranks = self.fitted.gene_vectors, rank_weights(len(rows))
        known = rows < (len(vectors) if self.n_vocabulary is None else self.n_vocabulary)
        vector = ranks[: known.sum()] @ vectors[rows[known]]
        norm = np.float32(max(np.linalg.norm(vector), np.finfo(np.float32).tiny))
        if self.n_vocabulary is None:
            return vector / norm
        further = ranks[~known] @ vectors[rows[~known]]
        if self.fitted.offset is not None and not known.all():
            further = further - self.fitted.offset
        return np.concatenate([vector, further], dtype=np.float32) / norm


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
    file = reference_file(spec)
    genes = reference_genes(spec)
    gene_index = {gene: row for row, gene in enumerate(genes)}
    rows = tuple(sorted(gene_index[gene] for gene in set(measured) & gene_index.keys()))
    n_vocabulary = len(spec.genes or ())
    label_index = {label: i for i, label in enumerate(reference_labels(spec))}
    fitted = _fit_once(file, file.stat().st_mtime_ns, rows, n_vocabulary, len(label_index))
    further = None if len(genes) == n_vocabulary else n_vocabulary
    return ReferenceClassifier(gene_index, label_index, fitted, **calibration, n_vocabulary=further)


def reference_file(spec: ModelSpec) -> Path:
    """The file with the reference cells of a model.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.reference_file(sd.models.resolve("embedded")).name
    'reference.npz'
    """
    return Path(spec.vocabulary or spec.source) / REFERENCE_FILE


def reference_genes(spec: ModelSpec) -> list[str]:
    """Genes of the reference classifier: the vocabulary of the model, then genes that were added with own cells.

    The vocabulary alone where there is no classifier.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.models import reference_genes
    >>> spec = sd.models.resolve("embedded")
    >>> set(reference_genes(spec)) >= spec.genes
    True
    """
    file = reference_file(spec)
    if not file.is_file():
        return sorted(spec.genes or ())
    with np.load(file, allow_pickle=False) as content:
        further = content["further_genes"].tolist() if "further_genes" in content else []
    return [*sorted(spec.genes or ()), *further]


def reference_labels(spec: ModelSpec) -> list[str]:
    """Labels of the classifier: those of the language model, then those that it does not know.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.reference_labels(sd.models.resolve("embedded"))[:2]
    ['B cell', 'CD4-positive, alpha-beta T cell']
    """
    return [*spec.known("annotation", "labels", ()), *spec.known("annotation", "reference_labels", ())]


@lru_cache(maxsize=4)
def _fit_once(file: Path, _modified: int, rows: tuple[int, ...], n_vocabulary: int, n_labels: int) -> FittedReference:
    """Keep the last classifiers; a file that was modified is read again."""
    return fit_reference_classifier(file, rows, n_vocabulary, n_labels)
