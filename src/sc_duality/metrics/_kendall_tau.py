"""Kendall's rank correlation of the genes of two cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._checks import lists_of_names, population, same_length


def kendall_tau(truth: Iterable[str], generated: Iterable[str], genes: Iterable[str]) -> float:
    """Kendall's τ-b of the order of ``genes`` in two gene lists (C2S-Scale, section 4.7.9).

    τ-b is the number of concordant minus discordant pairs of genes, over the geometric mean of the numbers of pairs
    that are not tied in either list. Genes that a list does not contain share its last rank.

    Parameters
    ----------
    truth
        Genes of the true cell, highest expression first. A duplicate counts at its first position.
    generated
        Genes of the generated cell, likewise.
    genes
        The genes to compare, at least two.

    Returns
    -------
    τ-b, −1 to 1; 0 if all ``genes`` are tied in one of the lists.

    Raises
    ------
    TypeError
        A list of genes is a text.
    ValueError
        ``genes`` has fewer than two different genes.

    Examples
    --------
    >>> from sc_duality.metrics import kendall_tau
    >>> kendall_tau(["BAX", "ACTB", "CASP3", "TP53"], ["CASP3", "BAX", "TP53"], ["BAX", "CASP3", "TP53"])
    0.333...
    """
    lists_of_names([truth, generated, genes])
    compared = tuple(dict.fromkeys(genes))
    if len(compared) < 2:
        raise ValueError(f"genes={list(compared)}: pass at least two different genes")
    return _tau_b(_ranks(truth, compared), _ranks(generated, compared))


def kendall(
    truth: ArrayLike | Sequence[Iterable[str]],
    predicted: ArrayLike | Sequence[Iterable[str]],
    *,
    genes: Sequence[str] | None = None,
) -> float:
    """Kendall's τ-b of the genes of each cell: the mean over cells of :func:`sc_duality.metrics.kendall_tau`.

    A cell whose genes are all tied on one side counts as 0.

    Parameters
    ----------
    truth, predicted
        Expression, cells × genes, in any unit; or, with ``genes``, a list of genes for each cell, highest expression
        first.
    genes
        The genes to compare, for lists.

    Returns
    -------
    The mean, −1 to 1.

    Raises
    ------
    TypeError
        A list of genes is a string.
    ValueError
        There are no cells, the numbers of cells or genes differ, values are missing, there are fewer than two genes,
        or ``genes`` holds duplicates.

    Examples
    --------
    >>> from sc_duality.metrics import kendall
    >>> kendall([["CD79A", "MS4A1", "CD3E"]], [["CD79A", "CD3E", "MS4A1"]], genes=["CD79A", "MS4A1", "CD3E"])
    0.333...
    """
    same_length(truth, predicted, "cells")
    if genes is not None:
        return _of_lists(truth, predicted, genes)
    x, y = population(truth, "truth"), population(predicted, "predicted")
    if x.shape[1] != y.shape[1] or x.shape[1] < 2:
        raise ValueError(f"truth has {x.shape[1]} genes and predicted {y.shape[1]}: pass the same two or more genes")
    return float(np.mean([_tau_b(a, b) for a, b in zip(x, y, strict=True)]))


def _of_lists(truth: Any, predicted: Any, genes: Sequence[str]) -> float:
    n_duplicates = len(genes) - len(set(genes))
    if n_duplicates:
        raise ValueError(f"genes holds {n_duplicates} duplicates: pass each gene once")
    return float(np.mean([kendall_tau(a, b, genes) for a, b in zip(truth, predicted, strict=True)]))


def _tau_b(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.stats import kendalltau  # slow to import

    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(kendalltau(x, y).statistic)


def _ranks(cell: Iterable[str], genes: Sequence[str]) -> np.ndarray:
    """Rank of each gene in a list, from 0; genes that it does not contain share the last rank."""
    rank = {gene: i for i, gene in enumerate(dict.fromkeys(cell))}
    return np.array([rank.get(gene, len(rank)) for gene in genes])
