"""Compare cells of several objects, real or generated, in a shared gene space."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from .._validation import positive_integer
from . import adata_keys
from ._gene_filter import preview
from ._storage import Sentences, read_sentences

logger = logging.getLogger(__name__)


class SharedGenes(NamedTuple):
    """Cells of several objects in a shared gene space."""

    #: For each object, CSR (n_obs, genes): log10((n_genes + 1) / rank) of the first genes of a sentence, else 0.
    rank_weights: list[sparse.csr_matrix]
    #: Names of the genes in all vocabularies.
    genes: np.ndarray
    #: Number of genes of a sentence that have a weight.
    n_genes: int

    def __str__(self) -> str:
        return f"top {self.n_genes} of {len(self.genes):,} shared genes"


def to_shared_genes(objects: Sequence[AnnData], sentence_key: str, n_genes: int | None = None) -> SharedGenes:
    """Rank weights of the cells of all objects in their shared gene space.

    Genes that are not in all vocabularies are removed, and later genes move up. The first ``n_genes`` of each sentence
    have a weight: log10((n_genes + 1) / rank), the line of :func:`sc_duality.pp.fit_expression` with slope −1. The
    default of ``n_genes`` is the median length of the sentences that are not empty, in the object where it is shortest.

    The weights do not depend on the matrix that was ranked. They fall to 0 at the first rank without a weight, so
    random ties at the end of a sentence change little.
    """
    if n_genes is not None:
        n_genes = positive_integer("n_genes", n_genes)
    sentences = [read_sentences(adata, sentence_key) for adata in objects]
    first, *others = (pd.Index(each.genes) for each in sentences)
    genes = reduce(lambda shared, other: shared[shared.isin(other)], others, first).to_numpy()
    if not len(genes):
        examples = " against ".join(preview(each.genes, 3) for each in sentences)
        raise ValueError(f"the sentences in obsm[{sentence_key!r}] share no gene: {examples}")
    shared_ranks = [_to_vocabulary(each, genes) for each in sentences]
    lengths = [_median_length(ranks) for ranks in shared_ranks]
    if not min(lengths):
        raise ValueError(f"all sentences of one object lack the {len(genes)} genes that all objects share")
    n_genes = n_genes or min(lengths)
    return SharedGenes([_rank_weights(ranks, n_genes, len(genes)) for ranks in shared_ranks], genes, n_genes)


class Projection(NamedTuple):
    """Principal components of real and generated cells, both cells × components."""

    real: np.ndarray
    generated: np.ndarray
    shared: SharedGenes


def project_cells(
    real: AnnData,
    generated: AnnData,
    fit: AnnData | None,
    compared: np.ndarray,
    *,
    sentence_key: str,
    n_genes: int | None,
    n_components: int,
    seed: int,
) -> Projection:
    """Project real and generated cells onto principal components of the cells of ``fit``.

    Without ``fit``, the components are those of the real cells whose rows are not in ``compared``: components describe
    the cells that they were fitted to better than other cells, which would bias the comparison.
    """
    shared = to_shared_genes([real, generated, real if fit is None else fit], sentence_key, n_genes)
    real_weights, generated_weights, fit_weights = shared.rank_weights
    n_empty = int((generated_weights.getnnz(axis=1) == 0).sum())
    if n_empty:
        logger.warning(
            "%d of %d generated cells have no shared gene: they count as cells without expression",
            n_empty,
            len(generated),
        )
    if fit is None:
        fit_weights = fit_weights[np.setdiff1d(np.arange(real.n_obs), compared)]
    real_points, generated_points = principal_components(
        [real_weights, generated_weights], fit_weights, n_components, seed
    )
    return Projection(real_points, generated_points, shared)


def principal_components(
    cells: Sequence[sparse.csr_matrix], fit: sparse.csr_matrix, n_components: int, seed: int
) -> list[np.ndarray]:
    """Cells in the first principal components of the cells of ``fit``, fewer where these are few."""
    expressed = np.flatnonzero(fit.getnnz(axis=0))
    possible = min(fit.shape[0], len(expressed)) - 1
    if possible < 2:
        raise ValueError(
            f"{fit.shape[0]} real cells are too few for principal components: pass more cells, or pass fit="
        )

    from sklearn.decomposition import PCA

    pca = PCA(min(n_components, possible), svd_solver="arpack", random_state=seed).fit(fit[:, expressed])
    return [pca.transform(each[:, expressed]) for each in cells]


def sample_cells(labels: pd.Series, max_cells: int | None, seed: int, *, half: bool = False) -> dict[str, np.ndarray]:
    """Row indices of a sample of the cells of each label: at most ``max_cells``, and at most ``half`` of the cells.

    The sample of a label does not depend on the other labels.
    """
    samples = {}
    for name in sorted(labels.dropna().unique()):
        rows = np.flatnonzero(labels == name)
        available = -(-len(rows) // 2) if half else len(rows)
        n = available if max_cells is None else min(available, max_cells)
        samples[str(name)] = np.sort(np.random.default_rng(seed).choice(rows, n, replace=False))
    return samples


def _to_vocabulary(sentences: Sentences, genes: np.ndarray) -> np.ndarray:
    """``ranks`` with indices into ``genes``, −1 for genes that are not in it."""
    new_index = np.append(pd.Index(genes).get_indexer(sentences.genes), adata_keys.PADDING)  # −1 selects the last
    return new_index[sentences.ranks]


def _median_length(ranks: np.ndarray) -> int:
    lengths = (ranks >= 0).sum(1)
    return int(np.median(lengths[lengths > 0])) if lengths.any() else 0


def _rank_weights(ranks: np.ndarray, n_genes: int, n_columns: int) -> sparse.csr_matrix:
    rank = np.cumsum(ranks >= 0, axis=1, dtype=np.int32)
    kept = (ranks >= 0) & (rank <= n_genes)
    indptr = np.concatenate([[0], kept.sum(1).cumsum()])
    weights = np.log10((n_genes + 1) / rank[kept])
    matrix = sparse.csr_matrix((weights, ranks[kept], indptr), shape=(len(ranks), n_columns))
    matrix.sum_duplicates()
    return matrix
