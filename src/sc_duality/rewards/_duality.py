"""CellDuality's rewards: how well the dual gave back what the model had not been shown. No truth is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._each import score_each
from ._exact import exact_match
from ._jaccard import rank_weighted_jaccard


def categorical(
    completions: Sequence[Any], unknown: Sequence[Any], *, invalid_reward: float = 0.0, **_columns: Any
) -> list[float | None]:
    """1 where the dual gave back the label or perturbation, else 0 (CellDuality §3.4.1, equation 2).

    For tasks that write cells: generation and response.

    Parameters
    ----------
    completions
        The dual's answers; ``None`` for one that could not be read.
    unknown
        What each was to give back.
    invalid_reward
        The reward of an answer that could not be read.

    Returns
    -------
    One reward a completion.

    Examples
    --------
    >>> from sc_duality.rewards import categorical
    >>> categorical(["b_cell", "T cell", None], unknown=["B cell", "B cell", "B cell"])
    [1.0, 0.0, 0.0]
    """
    return score_each(exact_match, completions, unknown, invalid_reward)


def inpainting(
    completions: Sequence[Any], unknown: Sequence[Any], *, invalid_reward: float = 0.0, **_columns: Any
) -> list[float | None]:
    """How well the dual gave back the hidden genes, by rank-weighted Jaccard similarity (CellDuality §3.4.1).

    For tasks that label cells: annotation and sensitivity.

    Parameters
    ----------
    completions
        The dual's genes, best first; ``None`` where none could be read.
    unknown
        The hidden genes, best first.
    invalid_reward
        The reward of an answer that could not be read.

    Returns
    -------
    One reward a completion, between 0 and 1.

    Examples
    --------
    >>> from sc_duality.rewards import inpainting
    >>> inpainting([("CD79A", "MS4A1"), ("CD3E",), None], unknown=[("CD79A", "MS4A1")] * 3, invalid_reward=-1)
    [1.0, 0.0, -1]
    """
    return score_each(rank_weighted_jaccard, completions, unknown, invalid_reward)
