"""Gene vectors from cells: of a reference classifier, and for the initial embeddings of a language model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._reference_projection import weigh_sentences

#: Dimensions of a gene vector at most, and number of cells that it is computed from.
_WIDTH, _N_CELLS = 128, 8000
#: Genes of a sentence that count.
_N_GENES = 200
#: Ridge of the whitening, as a share of the mean variance.
_RIDGE = 0.05
#: Added to the share of cells with a gene, so that the weight of a rare gene is finite.
_SMOOTHING = 1e-3


def gene_vectors(
    measured: Sequence[Sequence[str]],
    augmented: Sequence[Sequence[str]],
    labels: Sequence[str],
    genes: Sequence[str],
    seed: int,
) -> NDArray[np.float32]:
    """Vectors of genes from labelled cells, (n_genes, width).

    A truncated singular value decomposition of weighted sentences, in which genes of many cells count less, whitened by
    the covariance of cells within types: directions in which studies and augmentations differ become short.

    Parameters
    ----------
    measured, augmented
        The sentence of each cell, as measured and augmented; genes outside ``genes`` are left out.
    labels
        The type of each cell.
    genes
        The genes that get vectors.
    seed
        Decides which cells count, where there are many, with even numbers of each type.
    """
    from sklearn.utils.extmath import randomized_svd

    rng = np.random.default_rng(seed)
    names, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    weight = np.bincount(codes)[codes] ** -0.75
    n_cells = min(_N_CELLS, len(codes))
    cells = rng.choice(len(codes), n_cells, replace=False, p=weight / weight.sum())
    tables = [_weights([sentences[i] for i in cells], genes) for sentences in (measured, augmented)]
    frequency = np.asarray((tables[0] > 0).mean(0)).ravel()
    rarity = sparse.diags(np.log((1 + _SMOOTHING) / (frequency + _SMOOTHING)))
    width = min(_WIDTH, n_cells - 1, len(genes) - 1)
    _, _, right = randomized_svd(tables[0] @ rarity, width, random_state=seed)
    vectors = rarity @ right.T
    points = np.vstack([table @ vectors for table in tables])
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    of_type = np.tile(codes[cells], 2)
    means = np.zeros((len(names), width))
    for i in np.unique(of_type):
        means[i] = points[of_type == i].mean(0)
    within = points - means[of_type]
    scatter = within.T @ within / len(within)
    values, directions = np.linalg.eigh(scatter + _RIDGE * np.trace(scatter) / width * np.eye(width))
    whitened = vectors @ (directions / np.sqrt(values)) @ directions.T
    return np.asarray(whitened / np.abs(whitened).max(), dtype=np.float32)


def coexpression_vectors(
    cells: Sequence[Sequence[str]], genes: Sequence[str], width: int, seed: int
) -> NDArray[np.float32]:
    """Vectors of genes, (n_genes, width at most), standard deviation 1: genes of the same cells lie close.

    A truncated singular value decomposition of weighted sentences, in which every gene counts alike; 0 for a gene that
    no cell has.

    Examples
    --------
    >>> from sc_duality.models._gene_vectors import coexpression_vectors
    >>> b, t = ["CD79A", "MS4A1"], ["CD3D", "CD3E"]
    >>> vectors = coexpression_vectors([b, b, t, t], [*b, *t], width=2, seed=0)
    >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
    True
    """
    from sklearn.utils.extmath import randomized_svd

    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(cells))[:_N_CELLS]
    table = _weights([cells[i] for i in chosen], genes)
    length = np.sqrt(np.asarray(table.multiply(table).mean(0)).ravel())
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
    width = max(1, min(width, min(table.shape) - 1))
    _, _, right = randomized_svd(table @ sparse.diags(scale), width, random_state=seed)
    return np.asarray(right.T / right.std(), dtype=np.float32)


def _weights(sentences: Sequence[Sequence[str]], genes: Sequence[str]) -> sparse.csr_matrix:
    """The rank weight of each gene in each sentence, (n_cells, n_genes)."""
    row = {gene: i for i, gene in enumerate(genes)}
    found = [[row[gene] for gene in cell if gene in row] for cell in sentences]
    flat = np.array([i for cell in found for i in cell], dtype=np.uint32)
    lengths = np.array([len(cell) for cell in found])
    return weigh_sentences(flat, lengths, np.ones(len(genes), dtype=bool), _N_GENES)
