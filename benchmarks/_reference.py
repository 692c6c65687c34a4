"""The reference of the embedded model: where the cells lie that it learned its types from.

A truncated SVD of weighted sentences, in which what differs between cells of one type, of any study and through any
augmentation, is made small: a cell of a known type is to be near others of it, whatever laboratory it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.utils.extmath import randomized_svd

from benchmarks._corpus import N_GENES, Corpus
from benchmarks._sentences import sentences
from sc_duality.tl._familiar import REFERENCE, Reference, weights

#: Numbers of a vector; cells from which the space is learned; cells of a type and study that are kept.
WIDTH, DRAWN, KEPT = 128, 4000, 60
#: Share of the mean variance that is added before directions are scaled.
RIDGE = 0.05
#: Cells from which the types' lines are learned, their fewest genes, and how freely (scikit-learn's ``C``).
READ, FEWEST, FREEDOM = 20_000, 60, 0.3


def write_reference(
    out: Path, genes: NDArray[np.str_], labels: list[str], found: Sequence[ad.AnnData], seed: int
) -> None:
    """Learn the space from the training cells of all studies, and keep some of them beside the model in ``out``."""
    rng = np.random.default_rng(seed)
    corpus = Corpus(found, genes)
    vectors = space(corpus, rng)
    place = {gene: row for row, gene in enumerate(genes)}
    empty = Reference(place, {}, vectors, np.empty((0, WIDTH)), np.empty((WIDTH + 1, 0)), 0.0, 0.0, 1.0)
    kept = [empty.vector(each) for cells in found for each in some(cells, genes, rng) if each]
    types = lines(corpus, empty, labels, rng)
    arrays = {"genes": vectors, "cells": np.stack(kept), "types": types}
    np.savez(out / REFERENCE, **{name: values.astype(np.float16) for name, values in arrays.items()})


def lines(corpus: Corpus, reference: Reference, labels: list[str], rng: np.random.Generator) -> NDArray[np.float64]:
    """A regression of the type on where a cell lies, augmented as for the model, (WIDTH + 1, n_labels)."""
    cells = corpus.draw(READ, rng)
    drawn = [corpus.sentence(int(cell), int(rng.integers(FEWEST, N_GENES + 1)), rng) for cell in cells]
    fitted = LogisticRegression(C=FREEDOM, max_iter=300)
    fitted.fit(np.stack([reference.vector(each) for each in drawn]), corpus.label[cells])
    order = [fitted.classes_.tolist().index(label) for label in labels]
    return np.vstack([fitted.coef_[order].T, fitted.intercept_[order]])


def some(cells: ad.AnnData, genes: NDArray[np.str_], rng: np.random.Generator) -> list[list[str]]:
    """Sentences of at most ``KEPT`` cells of each type."""
    shuffled = cells[rng.permutation(cells.n_obs)]
    place = shuffled.obs.groupby("label", observed=True).cumcount().to_numpy()
    return sentences(shuffled[place < KEPT].copy(), set(genes), N_GENES)


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
    values = np.concatenate([weights(len(cell)) for cell in cells])
    columns = np.array([place[gene] for cell in cells for gene in cell])
    return sparse.csr_matrix((values, columns, ends), (len(cells), len(genes)))
