"""What the cells that a model learned its types from say of a cell.

A language model may be sure of itself far from all that it has seen. So a model's folder may hold a reference: some of
the cells that it learned from, and a vector for each gene, such that types lie apart and studies together. From them,
limited to the genes that the user's cells were measured by, follow how alike a cell is to those learned from, and a
linear classifier of the types: a second opinion, which holds better where a study or its panel of genes is unlike
those that the model learned from.
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

from ..models import ModelSpec

#: The file with the reference, in the model's folder.
REFERENCE = "reference.npz"
#: A cell is as alike as to the training cell of this rank, so that one odd cell says nothing.
_NEIGHBOUR = 5
#: Genes of the sentences of kept cells at most: about as many as a model knows of the 200 that are shown by default.
_SHOWN = 120


class Learned(NamedTuple):
    """The cells of a reference by some of its genes, and what they say of the types."""

    #: (n_genes, width).
    vectors: NDArray[np.float32]
    #: (n_cells, width), each of length 1.
    cells: NDArray[np.float32]
    #: (width + 1, n_types): what a vector says for each type, in logarithms; the last row is added.
    types: NDArray[np.float32]


class Reference(NamedTuple):
    """Where cells lie that a model learned from."""

    #: Row of each gene, and column of each type.
    place: dict[str, int]
    column: dict[str, int]
    learned: Learned
    #: The similarity at which a cell is as likely one like these as not, and how steep the logistic curve is there.
    half: float
    slope: float
    #: What the scores of the reference are divided by, so that model and reference together are as sure as right.
    temperature: float

    def joined(
        self, model: NDArray[np.float64], cells: Sequence[Sequence[str]], labels: Sequence[str]
    ) -> NDArray[np.float64]:
        """Probability of each label: the mean of the model's, (n_cells, n_labels), and the reference's.

        What a row of the model's lacks of 1, it gives to none of the labels; the joined row lacks as much.
        """
        read = softmax(self.scores(cells, labels) / self.temperature, axis=1)
        return (model + model.sum(1, keepdims=True) * read) / 2

    def scores(self, cells: Sequence[Sequence[str]], labels: Sequence[str]) -> NDArray[np.float64]:
        """Of each label for each cell, as a model scores them, (n_cells, n_labels)."""
        types = self.learned.types[:, [self.column[label] for label in labels]]
        return np.array([self.vector(genes) @ types[:-1] + types[-1] for genes in cells], dtype=float)

    def familiarity(self, cells: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Probability that each cell is like those that the model learned from, (n_cells,)."""
        similarity = np.array([self.similarity(genes) for genes in cells])
        return 1 / (1 + np.exp(-self.slope * (similarity - self.half)))

    def similarity(self, genes: Sequence[str]) -> float:
        """Cosine to the fifth nearest training cell; as above, one product a cell, so that company changes no bit."""
        return float(np.partition(self.learned.cells @ self.vector(genes), -_NEIGHBOUR)[-_NEIGHBOUR])

    def vector(self, genes: Sequence[str]) -> NDArray[np.float32]:
        """Where a cell lies by its sentence, (width,), of length 1: a gene weighs the less the later it comes."""
        rows = [self.place[gene] for gene in genes]
        found = weights(len(rows)) @ self.learned.vectors[rows]
        return found / max(np.linalg.norm(found), np.finfo(np.float32).tiny)


def weights(n: int) -> NDArray[np.float32]:
    """Of the ``n`` genes of a sentence, the best one first."""
    return np.reciprocal(np.log2(np.arange(n, dtype=np.float32) + 4))


def read_reference(spec: ModelSpec, measured: Iterable[str]) -> Reference | None:
    """The reference in a model's folder, if it has one, by the genes that were ``measured``."""
    if not spec.familiar:
        return None
    place = {gene: row for row, gene in enumerate(sorted(spec.genes or ()))}
    rows = tuple(sorted(place[gene] for gene in set(measured) & place.keys()))
    file = Path(spec.vocabulary or spec.source) / REFERENCE
    learned = learn(file, file.stat().st_mtime_ns, rows)
    return Reference(place, {label: i for i, label in enumerate(spec.labels)}, learned, **spec.familiar)


@lru_cache(maxsize=4)
def learn(file: Path, written: int, measured: tuple[int, ...]) -> Learned:  # noqa: ARG001
    """What the cells in a file say by these of its genes.

    When it was ``written`` tells it from a file of that name that is remembered.

    It has ``vectors``, (n_genes, width); sentences of rows of these, one after the other in ``genes``, with their
    ``lengths``: first all cells as they were measured, then each of them once more, as it might have been; and
    ``labels``, the column of each cell's type. Alike to training cells is who is so to a measured one; types are
    learned from both.
    """
    from sklearn.linear_model import LogisticRegression

    with np.load(file, allow_pickle=False) as found:
        vectors, genes, lengths, labels = (found[name] for name in ("vectors", "genes", "lengths", "labels"))
    vectors = vectors.astype(np.float32)
    cells = where(vectors, genes, lengths, np.isin(np.arange(len(vectors)), measured))
    fitted = LogisticRegression(max_iter=200).fit(cells, np.tile(labels, 2))
    types = np.vstack([fitted.coef_.T, fitted.intercept_]).astype(np.float32)
    return Learned(vectors, cells[: len(labels)], types)


def where(
    vectors: NDArray[np.float32],
    genes: NDArray[np.uint16],
    lengths: NDArray[np.uint16],
    measured: NDArray[np.bool_],
    n_genes: int = _SHOWN,
) -> NDArray[np.float32]:
    """Where cells lie by the best ``n_genes`` measured genes of their sentences, (n_cells, width), each of length 1."""
    shown = measured[genes]
    until = np.append(0, np.cumsum(shown))[np.append(0, np.cumsum(lengths, dtype=int))]
    rank = np.arange(until[-1]) - np.repeat(until[:-1], np.diff(until))
    kept = rank < n_genes
    ends = np.append(0, np.cumsum(np.minimum(np.diff(until), n_genes)))
    values = weights(n_genes)[rank[kept]]
    sentences = sparse.csr_matrix((values, genes[shown][kept], ends), (len(lengths), len(vectors)))
    found = sentences @ vectors
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.finfo(np.float32).tiny)
