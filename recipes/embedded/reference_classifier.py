"""The reference classifier of the embedded model: kept training cells and a vector for each gene.

The gene vectors are a truncated SVD of weighted sentences, whitened by the covariance within types over studies and
augmentations: cells of one type are close, whichever study they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from recipes.embedded.corpus import N_GENES, Corpus
from recipes.embedded.library import REFERENCE_FILE, rank_weights

#: Dimensions of a gene vector, and number of cells of the SVD.
WIDTH, N_CELLS = 128, 4000
#: Ridge of the whitening, as a share of the mean variance.
RIDGE = 0.05
#: Most kept cells of a type and study, and most genes of a cell: enough must remain on a panel.
MAX_CELLS, MAX_GENES = 200, 600


def write_reference_classifier(
    out: Path, genes: NDArray[np.str_], labels: list[str], studies: Sequence[ad.AnnData], seed: int
) -> None:
    """Fit the gene vectors and write them with the kept cells into the model's folder ``out``.

    Each kept cell is stored without and with augmentation.
    """
    rng = np.random.default_rng(seed)
    corpus = Corpus(studies, genes)
    vectors = gene_vectors(corpus, rng)
    cells = kept_cells(corpus, rng)
    kept = [corpus.measured(cell, MAX_GENES, rng) for cell in cells] + [
        corpus.augmented(cell, MAX_GENES, rng) for cell in cells
    ]
    index = {gene: i for i, gene in enumerate(genes)}
    np.savez_compressed(
        out / REFERENCE_FILE,
        vectors=vectors.astype(np.float16),
        genes=np.array([index[gene] for each in kept for gene in each], dtype=np.uint16),
        lengths=np.array([len(each) for each in kept], dtype=np.uint16),
        labels=np.array([labels.index(label) for label in corpus.label[cells]], dtype=np.uint8),
    )


def kept_cells(corpus: Corpus, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices of at most ``MAX_CELLS`` cells of each type of a study."""
    shuffled = rng.permutation(len(corpus.label))
    group = pd.Series(corpus.study.astype(str)) + corpus.label
    return shuffled[(group[shuffled].groupby(group[shuffled]).cumcount() < MAX_CELLS).to_numpy()]


def gene_vectors(corpus: Corpus, rng: np.random.Generator) -> NDArray[np.float32]:
    """Gene vectors, (n_genes, WIDTH)."""
    cells = corpus.sample(N_CELLS, rng)
    measured = weighted([corpus.measured(int(cell), N_GENES, rng) for cell in cells], corpus.genes)
    augmented = weighted([corpus.sentence(int(cell), N_GENES, rng) for cell in cells], corpus.genes)
    frequency = np.asarray((measured > 0).mean(0)).ravel()
    idf = sparse.diags(np.log((1 + 1e-3) / (frequency + 1e-3)))
    _, _, right = randomized_svd(measured @ idf, WIDTH, random_state=int(rng.integers(2**31)))
    vectors = idf @ right.T
    points = np.vstack([measured @ vectors, augmented @ vectors])
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    label = np.concatenate([corpus.label[cells]] * 2)
    within = np.vstack([points[label == one] - points[label == one].mean(0) for one in np.unique(label)])
    scatter = within.T @ within / len(within)
    values, directions = np.linalg.eigh(scatter + RIDGE * np.trace(scatter) / WIDTH * np.eye(WIDTH))
    whitened = vectors @ (directions / np.sqrt(values)) @ directions.T
    return (whitened / np.abs(whitened).max()).astype(np.float32)


def weighted(cells: Sequence[Sequence[str]], genes: NDArray[np.str_]) -> sparse.csr_matrix:
    """Sentences as rank-weighted rows over genes, (n_cells, n_genes)."""
    index = {gene: column for column, gene in enumerate(genes)}
    ends = np.cumsum([0, *map(len, cells)])
    values = np.concatenate([rank_weights(len(cell)) for cell in cells])
    columns = np.array([index[gene] for cell in cells for gene in cell])
    return sparse.csr_matrix((values, columns, ends), (len(cells), len(genes)))
