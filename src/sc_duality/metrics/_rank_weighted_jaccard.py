"""Rank-weighted Jaccard similarity of gene lists."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import lists_of_names


def rank_weighted_jaccard(truth: Iterable[str], generated: Iterable[str]) -> float:
    """Similarity of a true and a generated gene list, in which higher ranks weigh more (CellDuality, equation 3).

    A gene has the weight 1 / rank in its list, ranks from 1. The numerator sums over shared genes the mean of their
    two weights. The denominator is the weight of all true genes plus the weight of the generated genes that are not
    in the truth.

    Parameters
    ----------
    truth
        True genes, highest expression first. A duplicate counts at its first position.
    generated
        Generated genes, likewise.

    Returns
    -------
    Similarity between 0 (no shared gene) and 1 (the same genes in any order, since the denominator counts a shared gene
    once). It is symmetric only if the shared genes have the same total weight in both lists.

    Raises
    ------
    TypeError
        A list of genes is a text.

    Examples
    --------
    >>> from sc_duality.metrics import rank_weighted_jaccard
    >>> rank_weighted_jaccard(["CD79A", "MS4A1"], ["CD79A", "MS4A1"])
    1.0
    >>> rank_weighted_jaccard(["CD79A", "MS4A1"], ["MS4A1", "CD3E"])
    0.375
    """
    lists_of_names([truth, generated])
    true_weight, weight = _weights(truth), _weights(generated)
    shared = sum((w + weight[gene]) / 2 for gene, w in true_weight.items() if gene in weight)
    total = sum(true_weight.values()) + sum(w for gene, w in weight.items() if gene not in true_weight)
    return shared / total if total else 0.0


def _weights(genes: Iterable[str]) -> dict[str, float]:
    return {gene: 1 / rank for rank, gene in enumerate(dict.fromkeys(genes), start=1)}


def rank_weighted_jaccard_batch(truth: ArrayLike, generated: ArrayLike) -> NDArray[np.float64]:
    """:func:`~sc_duality.metrics.rank_weighted_jaccard` of many pairs of gene lists, as gene indices.

    Parameters
    ----------
    truth
        int (n, K1): gene indices, highest expression first; negative values are padding.
    generated
        int (n, K2), likewise.

    Returns
    -------
    float64 (n,).

    Raises
    ------
    TypeError
        The gene indices are not integers.
    ValueError
        ``truth`` and ``generated`` are not matrices with the same number of rows.

    Examples
    --------
    >>> from sc_duality.metrics import rank_weighted_jaccard_batch
    >>> rank_weighted_jaccard_batch([[0, 1], [0, 1]], [[0, 1, -1], [1, 2, 2]])
    array([1.   , 0.375])
    """
    from ._rank_weighted_jaccard_kernel import jaccard_rows  # loads numba

    x, y = np.asarray(truth), np.asarray(generated)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ValueError(f"truth and generated have the shapes {x.shape} and {y.shape}: pass matrices with equal rows")
    if x.dtype.kind not in "iu" or y.dtype.kind not in "iu":
        raise TypeError(f"genes must be integer indices, got {x.dtype} and {y.dtype}")
    n_genes = 1 + int(max(x.max(initial=0), y.max(initial=0)))
    similarity = np.empty(len(x))
    jaccard_rows(np.ascontiguousarray(x, np.int32), np.ascontiguousarray(y, np.int32), n_genes, similarity)
    return similarity
