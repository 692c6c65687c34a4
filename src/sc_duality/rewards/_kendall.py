"""C2S-Scale's reward: whether the genes of a program are in the right order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._each import RewardFunction, score_each


def kendall_tau(truth: Sequence[str], generated: Sequence[str], genes: Sequence[str]) -> float:
    """Kendall's τ-b of the order of ``genes`` in two cells (C2S-Scale, L1000).

    A gene stands where it is first named; those that a cell does not name share the place after its last one.

    Parameters
    ----------
    truth
        Genes of the true cell, best first.
    generated
        Genes of the generated cell, best first.
    genes
        The genes whose order counts, at least two.

    Returns
    -------
    τ between −1 and 1; 0 where one of the cells says nothing about their order.

    Examples
    --------
    >>> from sc_duality.rewards import kendall_tau
    >>> kendall_tau(["BAX", "ACTB", "CASP3", "TP53"], ["CASP3", "BAX", "TP53"], ["BAX", "CASP3", "TP53"])
    0.333...
    """
    from scipy.stats import kendalltau  # here, as it takes long to load

    counted = tuple(dict.fromkeys(genes))
    if len(counted) < 2:
        raise ValueError(f"an order needs two different genes or more, got {list(genes)}")
    tau = float(kendalltau(_places(truth, counted), _places(generated, counted)).statistic)
    return 0.0 if np.isnan(tau) else tau


def _places(cell: Sequence[str], genes: Sequence[str]) -> NDArray[np.int64]:
    place = {gene: i for i, gene in enumerate(dict.fromkeys(cell))}
    return np.array([place.get(gene, len(place)) for gene in genes])


def gene_program(genes: Sequence[str]) -> RewardFunction:
    """A reward function of generated cells: Kendall’s τ of the genes of a program, such as apoptosis.

    Parameters
    ----------
    genes
        The program, at least two genes.

    Returns
    -------
    ``gene_program(completions, truth, *, invalid_reward=0.0)``: one reward a completion, between −1 and 1.

    Examples
    --------
    >>> from sc_duality.rewards import gene_program
    >>> apoptosis = gene_program(["BAX", "CASP3"])
    >>> apoptosis([("BAX", "ACTB", "CASP3"), ("CASP3", "BAX"), None], truth=[("BAX", "CASP3")] * 3)
    [1.0, -1.0, 0.0]
    """
    program = tuple(dict.fromkeys(genes))
    if len(program) < 2:
        raise ValueError(f"an order needs two different genes or more, got {list(genes)}")

    def gene_program(
        completions: Sequence[Any], truth: Sequence[Any], *, invalid_reward: float = 0.0, **_columns: Any
    ) -> list[float | None]:
        return score_each(lambda true, answer: kendall_tau(true, answer, program), completions, truth, invalid_reward)

    return gene_program
