"""Rank-weighted Jaccard similarity of gene lists."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rank_weighted_jaccard(truth: Iterable[str], generated: Iterable[str]) -> float:
    """How well ``generated`` gives back ``truth``, with more weight on higher ranks.

    A gene weighs 1 / rank in its list, ranks from 1; one that is named twice counts at its first
    place. The weights of shared genes, averaged over the two lists, are divided by the weights of
    the truth plus those of generated genes that are not in it (CellDuality, equation 3).

    Parameters
    ----------
    truth
        Genes, best first.
    generated
        Genes, best first.

    Returns
    -------
    Similarity between 0 (nothing shared, or an empty list) and 1 (the same genes, in whatever order:
    the denominator counts a shared gene once). It is symmetric only where the shared genes weigh as
    much in one list as in the other.

    Examples
    --------
    >>> from sc_duality.rewards import rank_weighted_jaccard
    >>> rank_weighted_jaccard(["CD79A", "MS4A1"], ["CD79A", "MS4A1"])
    1.0
    >>> rank_weighted_jaccard(["CD79A", "MS4A1"], ["MS4A1", "CD3E"])
    0.375
    """
    wanted = _weights(truth)
    given = _weights(generated)
    shared = sum((weight + given[gene]) / 2 for gene, weight in wanted.items() if gene in given)
    total = sum(wanted.values()) + sum(weight for gene, weight in given.items() if gene not in wanted)
    return shared / total if total else 0.0


def _weights(genes: Iterable[str]) -> dict[str, float]:
    return {gene: 1 / rank for rank, gene in enumerate(dict.fromkeys(genes), start=1)}


def rank_weighted_jaccard_batch(truth: ArrayLike, generated: ArrayLike) -> NDArray[np.float64]:
    """:func:`~sc_duality.rewards.rank_weighted_jaccard` of many pairs of lists, of genes as indices.

    Parameters
    ----------
    truth
        int (n, K1): indices into one vocabulary, best gene first; negative values are padding.
    generated
        int (n, K2), likewise.

    Returns
    -------
    float64 (n,).

    Raises
    ------
    TypeError
        The indices are no integers.
    ValueError
        These are no two matrices of as many rows.

    Examples
    --------
    >>> from sc_duality.rewards import rank_weighted_jaccard_batch
    >>> rank_weighted_jaccard_batch([[0, 1], [0, 1]], [[0, 1, -1], [1, 2, 2]])
    array([1.   , 0.375])
    """
    from ._jaccard_kernel import jaccard_rows  # here, as it loads numba

    wanted, given = np.asarray(truth), np.asarray(generated)
    if wanted.ndim != 2 or given.ndim != 2 or len(wanted) != len(given):
        raise ValueError(f"two matrices with as many rows are needed, got the shapes {wanted.shape} and {given.shape}")
    if wanted.dtype.kind not in "iu" or given.dtype.kind not in "iu":
        raise TypeError(f"genes must be integer indices, got {wanted.dtype} and {given.dtype}")
    n_genes = 1 + int(max(wanted.max(initial=0), given.max(initial=0)))
    similarity = np.empty(len(wanted))
    jaccard_rows(np.ascontiguousarray(wanted, np.int32), np.ascontiguousarray(given, np.int32), n_genes, similarity)
    return similarity
