"""Completions in which no token comes twice."""

from __future__ import annotations

import torch
from transformers import LogitsProcessor


class UniqueTokens(LogitsProcessor):
    """Rules out the tokens that a row has sampled already.

    Parameters
    ----------
    length
        Length of the prompts; tokens after it were sampled here.
    """

    def __init__(self, length: int) -> None:
        self._length = length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) with -inf for these tokens."""
        return scores.scatter(1, input_ids[:, self._length :], -torch.inf)
