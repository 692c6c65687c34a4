"""Real and generated cells on one footing: the same genes, as many of them, and one value for each rank."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from . import adata_keys
from ._gene_filter import preview
from ._storage import Sentences, read_sentences

logger = logging.getLogger(__name__)


class SharedGenes(NamedTuple):
    """Cells of several objects that can be compared."""

    #: For each object, CSR (n_obs, genes): log10((n_genes + 1) / rank) of the genes that a sentence names, else 0.
    parts: list[sparse.csr_matrix]
    #: Names of the genes that may be named in every object.
    genes: np.ndarray
    #: Genes of a sentence that count.
    n_genes: int

    def __str__(self) -> str:
        return f"top {self.n_genes} of {len(self.genes):,} shared genes"


def to_shared_genes(objects: Sequence[AnnData], key: str, n_genes: int | None = None) -> SharedGenes:
    """Bring the sentences of these objects onto one footing.

    Genes that one of the vocabularies lacks are taken out and the others move up. The first ``n_genes`` of each
    sentence count, by default as many as half of the cells of every object have, empty ones aside. The value of a gene
    is the line of :func:`sc_duality.pp.fit_expression` with slope −1, and 0 at the first rank that does not count: what
    a cell is compared by does not depend on the matrix it came from, and a gene that just drops out of a sentence, as
    ties at its end do by chance, changes little.
    """
    whole = isinstance(n_genes, int | np.integer) and not isinstance(n_genes, bool)
    if n_genes is not None and not (whole and n_genes > 0):
        raise ValueError(f"n_genes must be a positive integer, got {n_genes!r}")
    sentences = [read_sentences(adata, key) for adata in objects]
    first, *others = (pd.Index(found.genes) for found in sentences)
    genes = reduce(lambda shared, other: shared[shared.isin(other)], others, first).to_numpy()
    if not len(genes):
        examples = " against ".join(preview(found.genes, 3) for found in sentences)
        raise ValueError(f"the sentences in obsm[{key!r}] share no gene: {examples}")
    codes = [_codes(found, genes) for found in sentences]
    typical = [_typical_length(found) for found in codes]
    if not min(typical):
        raise ValueError(f"no sentence of one of the objects names any of the {len(genes)} genes that all could name")
    n_genes = n_genes or min(typical)
    return SharedGenes([_levels(found, n_genes, len(genes)) for found in codes], genes, n_genes)


class Projected(NamedTuple):
    """Cells × components of both sides."""

    real: np.ndarray
    generated: np.ndarray
    footing: SharedGenes


def project(
    real: AnnData,
    generated: AnnData,
    fit: AnnData | None,
    compared: np.ndarray,
    *,
    key: str,
    n_genes: int | None,
    n_components: int,
    seed: int,
) -> Projected:
    """Both sides on the principal components of the cells of ``fit``, or of the real ones that are not ``compared``.

    Components fit the cells that they come from better than any others, which would look different for that alone.
    """
    footing = to_shared_genes([real, generated, real if fit is None else fit], key, n_genes)
    *parts, fitted = footing.parts
    empty = int((parts[1].getnnz(axis=1) == 0).sum())
    if empty:
        logger.warning(
            "%d of %d generated cells name no shared gene: they count as cells without", empty, len(generated)
        )
    if fit is None:
        fitted = fitted[np.setdiff1d(np.arange(real.n_obs), compared)]
    seen = np.flatnonzero(fitted.getnnz(axis=0))
    possible = min(fitted.shape[0], len(seen)) - 1
    if possible < 2:
        raise ValueError(f"{fitted.shape[0]} real cells are too few for principal components: give more, or pass fit=")

    from sklearn.decomposition import PCA

    pca = PCA(min(n_components, possible), svd_solver="arpack", random_state=seed).fit(fitted[:, seen])
    return Projected(pca.transform(parts[0][:, seen]), pca.transform(parts[1][:, seen]), footing)


def sample_cells(labels: pd.Series, max_cells: int | None, seed: int, *, half: bool = False) -> dict[str, np.ndarray]:
    """Rows of at most ``max_cells`` cells of each label, and not more than ``half`` of them.

    What is drawn of a label does not depend on the others.
    """
    drawn = {}
    for name in sorted(labels.dropna().unique()):
        rows = np.flatnonzero(labels == name)
        most = -(-len(rows) // 2) if half else len(rows)
        n = most if max_cells is None else min(most, max_cells)
        drawn[str(name)] = np.sort(np.random.default_rng(seed).choice(rows, n, replace=False))
    return drawn


def _codes(sentences: Sentences, genes: np.ndarray) -> np.ndarray:
    """``ranks`` with the place in ``genes`` of every gene, −1 for those that are not there."""
    place = np.append(pd.Index(genes).get_indexer(sentences.genes), adata_keys.PADDING)  # padding takes the last one
    return place[sentences.ranks]


def _typical_length(codes: np.ndarray) -> int:
    lengths = (codes >= 0).sum(1)
    return int(np.median(lengths[lengths > 0])) if lengths.any() else 0


def _levels(codes: np.ndarray, n_genes: int, width: int) -> sparse.csr_matrix:
    rank = np.cumsum(codes >= 0, axis=1, dtype=np.int32)
    kept = (codes >= 0) & (rank <= n_genes)
    indptr = np.concatenate([[0], kept.sum(1).cumsum()])
    levels = sparse.csr_matrix((np.log10((n_genes + 1) / rank[kept]), codes[kept], indptr), shape=(len(codes), width))
    levels.sum_duplicates()
    return levels
