"""Gene vectors of a reference classifier: cells of one type lie close, whichever study they come from."""

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


def _weights(sentences: Sequence[Sequence[str]], genes: Sequence[str]) -> sparse.csr_matrix:
    """The rank weight of each gene in each sentence, (n_cells, n_genes)."""
    row = {gene: i for i, gene in enumerate(genes)}
    found = [[row[gene] for gene in cell if gene in row] for cell in sentences]
    flat = np.array([i for cell in found for i in cell], dtype=np.uint32)
    lengths = np.array([len(cell) for cell in found])
    return weigh_sentences(flat, lengths, np.ones(len(genes), dtype=bool), _N_GENES)
