"""What the cells that a model learned its types from say of a cell.

A language model may be sure of itself far from all that it has seen. So a model's folder may hold a reference: a
vector for each gene, such that types lie apart and studies together; those of some of its training cells, which tell
how alike a cell is to them; and a linear classifier of the types, a second opinion that holds better where a study is
unlike those that the model learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ..models import ModelSpec

#: The file with the reference, in the model's folder.
REFERENCE = "reference.npz"
#: A cell is as alike as to the training cell of this rank, so that one odd cell says nothing.
_NEIGHBOUR = 5


class Reference(NamedTuple):
    """Where cells lie that a model learned from."""

    #: Row of each gene, and column of each type.
    place: dict[str, int]
    column: dict[str, int]
    #: (n_genes, width).
    genes: NDArray[np.float32]
    #: (n_cells, width), each of length 1.
    cells: NDArray[np.float32]
    #: (width + 1, n_types): what a vector says for each type, in logarithms; the last row is added.
    types: NDArray[np.float32]
    #: The similarity at which a cell is as likely one like these as not, and how steep the logistic curve is there.
    half: float
    slope: float
    #: What scores are divided by where model and reference speak together.
    temperature: float

    def joined(
        self, model: NDArray[np.float64], cells: Sequence[Sequence[str]], labels: Sequence[str]
    ) -> NDArray[np.float64]:
        """Probability of each label: the mean of what a model's scores say and what the reference says.

        The model may score one answer after the labels, which says that none is right. What it gives to that, it
        keeps, so that a row then adds up to less than 1.
        """
        known = softmax(model / self.temperature, axis=1)[:, : len(labels)]
        read = softmax(self.scores(cells, labels) / self.temperature, axis=1)
        return (known + known.sum(1, keepdims=True) * read) / 2

    def scores(self, cells: Sequence[Sequence[str]], labels: Sequence[str]) -> NDArray[np.float64]:
        """Of each label for each cell, as a model scores them, (n_cells, n_labels)."""
        types = self.types[:, [self.column[label] for label in labels]]
        return np.array([self.vector(genes) @ types[:-1] + types[-1] for genes in cells], dtype=float)

    def familiarity(self, cells: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Probability that each cell is like those that the model learned from, (n_cells,)."""
        similarity = np.array([self.similarity(genes) for genes in cells])
        return 1 / (1 + np.exp(-self.slope * (similarity - self.half)))

    def similarity(self, genes: Sequence[str]) -> float:
        """Cosine to the fifth nearest training cell; as above, one product a cell, so that company changes no bit."""
        return float(np.partition(self.cells @ self.vector(genes), -_NEIGHBOUR)[-_NEIGHBOUR])

    def vector(self, genes: Sequence[str]) -> NDArray[np.float32]:
        """Where a cell lies by its sentence, (width,), of length 1: a gene weighs the less the later it comes."""
        rows = [self.place[gene] for gene in genes]
        found = weights(len(rows)) @ self.genes[rows]
        return found / max(np.linalg.norm(found), np.finfo(np.float32).tiny)


def weights(n: int) -> NDArray[np.float32]:
    """Of the ``n`` genes of a sentence, the best one first."""
    return np.reciprocal(np.log2(np.arange(n, dtype=np.float32) + 4))


def read_reference(spec: ModelSpec) -> Reference | None:
    """The reference in a model's folder, if it has one."""
    if not spec.familiar:
        return None
    with np.load(Path(spec.vocabulary or spec.source) / REFERENCE, allow_pickle=False) as file:
        genes, cells, types = (file[name].astype(np.float32) for name in ("genes", "cells", "types"))
    place = {gene: row for row, gene in enumerate(sorted(spec.genes or ()))}
    column = {label: column for column, label in enumerate(spec.labels)}
    return Reference(place, column, genes, cells, types, **spec.familiar)
