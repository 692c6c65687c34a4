"""The reference of the embedded model: some of the cells that it learned its types from, and a space for them.

A truncated SVD of weighted sentences, in which what differs between cells of one type, of any study and through any
augmentation, is made small: a cell of a known type is to be near others of it, whatever laboratory it comes from.
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

from benchmarks._corpus import N_GENES, Corpus
from sc_duality.models._reference_classifier import REFERENCE_FILE, rank_weights

#: Numbers of a vector, and cells from which the space is learned.
WIDTH, DRAWN = 128, 4000
#: Share of the mean variance that is added before directions are scaled.
RIDGE = 0.05
#: Cells of a type and study that are kept at most, and genes of each: of a panel, enough have to remain.
KEPT, DEEP = 200, 600


def write_reference(
    out: Path, genes: NDArray[np.str_], labels: list[str], found: Sequence[ad.AnnData], seed: int
) -> None:
    """Learn the space from the training cells of all studies, and keep some of them beside the model in ``out``.

    Each is kept as it was measured, and once more as another laboratory might have seen it.
    """
    rng = np.random.default_rng(seed)
    corpus = Corpus(found, genes)
    vectors = space(corpus, rng)
    cells = some(corpus, rng)
    kept = [corpus.measured(cell, DEEP, rng) for cell in cells] + [corpus.harder(cell, DEEP, rng) for cell in cells]
    place = {gene: row for row, gene in enumerate(genes)}
    np.savez_compressed(
        out / REFERENCE_FILE,
        vectors=vectors.astype(np.float16),
        genes=np.array([place[gene] for each in kept for gene in each], dtype=np.uint16),
        lengths=np.array([len(each) for each in kept], dtype=np.uint16),
        labels=np.array([labels.index(label) for label in corpus.label[cells]], dtype=np.uint8),
    )


def some(corpus: Corpus, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most ``KEPT`` cells of each type of a study."""
    shuffled = rng.permutation(len(corpus.label))
    group = pd.Series(corpus.study.astype(str)) + corpus.label
    return shuffled[(group[shuffled].groupby(group[shuffled]).cumcount() < KEPT).to_numpy()]


def space(corpus: Corpus, rng: np.random.Generator) -> NDArray[np.float32]:
    """A vector for each gene, (n_genes, WIDTH)."""
    cells = corpus.draw(DRAWN, rng)
    measured = weighted([corpus.measured(int(cell), N_GENES, rng) for cell in cells], corpus.genes)
    harder = weighted([corpus.sentence(int(cell), N_GENES, rng) for cell in cells], corpus.genes)
    share = np.asarray((measured > 0).mean(0)).ravel()
    rare = sparse.diags(np.log((1 + 1e-3) / (share + 1e-3)))
    _, _, right = randomized_svd(measured @ rare, WIDTH, random_state=int(rng.integers(2**31)))
    vectors = rare @ right.T
    points = np.vstack([measured @ vectors, harder @ vectors])
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    label = np.concatenate([corpus.label[cells]] * 2)
    within = np.vstack([points[label == one] - points[label == one].mean(0) for one in np.unique(label)])
    scatter = within.T @ within / len(within)
    values, directions = np.linalg.eigh(scatter + RIDGE * np.trace(scatter) / WIDTH * np.eye(WIDTH))
    found = vectors @ (directions / np.sqrt(values)) @ directions.T
    return (found / np.abs(found).max()).astype(np.float32)


def weighted(cells: Sequence[Sequence[str]], genes: NDArray[np.str_]) -> sparse.csr_matrix:
    """Sentences as rows over genes."""
    place = {gene: column for column, gene in enumerate(genes)}
    ends = np.cumsum([0, *map(len, cells)])
    values = np.concatenate([rank_weights(len(cell)) for cell in cells])
    columns = np.array([place[gene] for cell in cells for gene in cell])
    return sparse.csr_matrix((values, columns, ends), (len(cells), len(genes)))
