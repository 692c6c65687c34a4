"""Rank-weighted Jaccard similarity of two gene lists."""

from __future__ import annotations

from collections.abc import Iterable


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
    Similarity between 0 (nothing shared, or an empty list) and 1 (the same list).

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
