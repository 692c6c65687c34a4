"""Sampling of the next token, with a random seed per prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import LogitsProcessor


class SeededSampler(LogitsProcessor):
    """Samples one token per row with the row's own random numbers, and rules out all others.

    The sample of a prompt depends on its seed alone, not on the batch.

    Parameters
    ----------
    seeds
        One seed per row.
    length
        Length of the prompts; tokens after it were sampled here.
    max_tokens
        Maximum number of tokens to sample.
    temperature, top_p
        As in :class:`sc_duality.models.SamplingParams`.
    """

    def __init__(self, seeds: Sequence[int], length: int, max_tokens: int, *, temperature: float, top_p: float) -> None:
        self._uniform = torch.from_numpy(np.stack([np.random.default_rng(seed).random(max_tokens) for seed in seeds]))
        self._length, self._temperature, self._top_p = length, temperature, top_p

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (rows, vocabulary): 0 for the sampled token of a row, -inf for all others."""
        logits = (scores.cpu() if scores.device.type == "mps" else scores).double()  # MPS has no float64
        uniform = self._uniform[:, input_ids.shape[1] - self._length, None].to(logits.device)
        probability = torch.softmax(logits / self._temperature, -1)
        order = None
        if self._top_p < 1:
            probability, order = probability.sort(dim=-1, descending=True, stable=True)
            probability[probability.cumsum(-1) - probability >= self._top_p] = 0
        cumulative = probability.cumsum(-1)
        sampled = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)
        sampled = sampled.clamp(max=scores.shape[1] - 1)
        if order is not None:
            sampled = order.gather(1, sampled)
        return torch.full_like(scores, -torch.inf).scatter(1, sampled.to(scores.device), 0.0)
