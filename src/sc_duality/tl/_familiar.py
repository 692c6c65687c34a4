"""How alike a cell is to the cells that a model learned its types from.

A classifier may be sure of itself far from all that it has seen. So a model's folder may hold a reference: a
vector for each gene, such that types lie apart and studies together, and those of some of its training cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..models import ModelSpec

#: The file with the reference, in the model's folder.
REFERENCE = "reference.npz"
#: A cell is as alike as to the training cell of this rank, so that one odd cell says nothing.
_NEIGHBOUR = 5


class Reference(NamedTuple):
    """Where cells lie that a model learned from."""

    #: Row of each gene.
    place: dict[str, int]
    #: (n_genes, width).
    genes: NDArray[np.float32]
    #: (n_cells, width), each of length 1.
    cells: NDArray[np.float32]
    #: The similarity at which a cell is as likely one like these as not, and how steep the logistic curve is there.
    half: float
    slope: float

    def probability(self, cells: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """That each cell is like those that the model learned from, (n_cells,)."""
        similarity = np.array([self.similarity(genes) for genes in cells])
        return 1 / (1 + np.exp(-self.slope * (similarity - self.half)))

    def similarity(self, genes: Sequence[str]) -> float:
        """Cosine to the fifth nearest training cell; one product a cell, so that company changes no bit."""
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
        genes, cells = file["genes"].astype(np.float32), file["cells"].astype(np.float32)
    return Reference({gene: row for row, gene in enumerate(sorted(spec.genes or ()))}, genes, cells, **spec.familiar)
