"""Agreement of two orders of genes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import kendalltau

from ._checks import population, refuse_texts, same_length


def kendall(
    truth: ArrayLike | Sequence[Iterable[str]],
    answers: ArrayLike | Sequence[Iterable[str]],
    *,
    genes: Sequence[str] | None = None,
) -> float:
    """Kendall's τ-b of each cell's genes in two orders, averaged over cells.

    τ-b is the number of concordant minus discordant pairs of genes, over the geometric mean of the numbers of pairs
    that are not tied in either. A cell without any order on one side, where all genes are tied, counts as 0.

    Parameters
    ----------
    truth, answers
        Cells × genes of any value that grows with expression; or, with ``genes``, a list of genes for each cell, best
        first.
    genes
        The genes to compare, when lists are given. Those that a list does not name share its last rank; a name that
        is given twice counts at its first place.

    Returns
    -------
    The mean, −1 to 1.

    Raises
    ------
    TypeError
        A sentence is given as text.
    ValueError
        There are no cells, not as many answers as truths, missing values, different genes, fewer than two genes, or
        ``genes`` holds a name twice.

    Notes
    -----
    C2S-Scale, section 4.7.9, with its rule for genes that were not generated.

    Examples
    --------
    >>> from sc_duality.metrics import kendall
    >>> kendall([["CD79A", "MS4A1", "CD3E"]], [["CD79A", "CD3E", "MS4A1"]], genes=["CD79A", "MS4A1", "CD3E"])
    0.333...
    """
    same_length(truth, answers, "cells")
    x, y = population(_values(truth, genes), "truth"), population(_values(answers, genes), "answer")
    if x.shape[1] != y.shape[1] or x.shape[1] < 2:
        raise ValueError(f"both sides must have the same two or more genes, got {x.shape[1]} and {y.shape[1]}")
    return float(np.mean([_tau(a, b) for a, b in zip(x, y, strict=True)]))


def _tau(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(kendalltau(a, b).statistic)


def _values(cells: Any, genes: Sequence[str] | None) -> Any:
    """Lists as cells × genes: falls by 1 from each gene of a list to the next, and is 0 for those it does not name."""
    if genes is None:
        return cells
    refuse_texts(cells)
    column = {gene: i for i, gene in enumerate(genes)}
    if len(column) < len(genes):
        raise ValueError(f"genes holds {len(genes) - len(column)} names more than once: give each once")
    levels = np.zeros((len(cells), len(genes)))
    for row, named in enumerate(cells):
        found = [column[gene] for gene in dict.fromkeys(named) if gene in column]
        levels[row, found] = np.arange(len(found), 0, -1)
    return levels
