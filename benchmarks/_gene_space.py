"""The shared gene space in which real and generated cells are compared.

A cell is its 100 highest-ranked genes of the model, with the value log10(101 / rank). Distances are taken in 50
principal components of real training cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

import sc_duality as sd

N_GENES = 100
N_COMPONENTS = 50
#: Most cells of a population for distances over all pairs.
MAX_CELLS = 500


class GeneSpace:
    """Expression at rank over shared genes, and its principal components.

    Parameters
    ----------
    training
        Sentences of real training cells, which define the principal components.
    genes
        The shared genes.
    seed
        Random seed.
    """

    def __init__(self, training: Sequence[Sequence[str]], genes: Sequence[str], seed: int) -> None:
        self.index = {gene: i for i, gene in enumerate(genes)}
        expression = self.expression(training)
        self.pca = PCA(min(N_COMPONENTS, len(expression) - 1), random_state=seed).fit(expression)

    def expression(self, cells: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """log10(101 / rank) of every gene of a sentence, else 0; (n_cells, n_genes)."""
        rows = [[self.index[gene] for gene in genes if gene in self.index][:N_GENES] for genes in cells]
        values = np.concatenate([np.log10((N_GENES + 1) / np.arange(1, len(row) + 1)) for row in rows] or [[]])
        bounds = np.cumsum([0, *map(len, rows)])
        return sparse.csr_matrix(
            (values, np.concatenate(rows).astype(int), bounds), (len(rows), len(self.index))
        ).toarray()

    def embed(self, expression: NDArray[np.float64]) -> NDArray[np.float64]:
        """Principal components."""
        return self.pca.transform(expression)


def distances(real: NDArray[np.float64], generated: NDArray[np.float64], seed: int) -> dict[str, float]:
    """Distances between two populations of equal size; the Fréchet distance depends on the number of cells."""
    rng = np.random.default_rng(seed)
    n = min(len(real), len(generated), MAX_CELLS)
    real, generated = (cells[rng.permutation(len(cells))[:n]] for cells in (real, generated))
    return {
        "scFID": sd.metrics.frechet(real, generated),
        "MMD": sd.metrics.mmd(real, generated),
        "Wasserstein": sd.metrics.wasserstein(real, generated),
    }


def diversity(points: NDArray[np.float64]) -> float:
    """Mean distance of two cells of a population."""
    return float(pdist(points).mean())


def rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    """Four digits, ``None`` for NaN."""
    return {name: None if np.isnan(value) else round(float(value), 4) for name, value in values.items()}


def mean_of(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each metric."""
    return pd.DataFrame(each).mean().to_dict()
