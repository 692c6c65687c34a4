"""The supervised reward that the label-free ones are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._each import score_each
from ._exact import exact_match
from ._jaccard import rank_weighted_jaccard


def ground_truth(
    completions: Sequence[Any], truth: Sequence[Any], *, invalid_reward: float = 0.0, **_columns: Any
) -> list[float | None]:
    """How well an answer agrees with the truth.

    The same two scores as in :func:`categorical` and :func:`inpainting`, but of the answer itself and against the
    truth: a label is right or wrong, a cell is as good as its rank-weighted Jaccard similarity to the true cell.
    :func:`batch` is the one for a batch of cells with a label each.

    Parameters
    ----------
    completions
        Labels, or genes with the best first; ``None`` for an answer that could not be read.
    truth
        Of the same kind; ``None`` where it is not known. A list or tuple is taken for genes.
    invalid_reward
        The reward of an answer that could not be read.

    Returns
    -------
    One reward a completion, ``None`` where the truth is.

    Examples
    --------
    >>> from sc_duality.rewards import ground_truth
    >>> ground_truth(["B cell", "T cell", "T cell"], truth=["B cell", "B cell", None])
    [1.0, 0.0, None]
    >>> ground_truth([("CD79A", "CD3E")], truth=[("CD79A", "MS4A1")])
    [0.5]
    """
    return score_each(_agreement, completions, truth, invalid_reward)


def _agreement(truth: Any, answer: Any) -> float:
    kernel = rank_weighted_jaccard if isinstance(truth, list | tuple) else exact_match
    return kernel(truth, answer)
