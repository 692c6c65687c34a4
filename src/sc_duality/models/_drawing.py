"""How the next token is drawn, each prompt by random numbers of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import LogitsProcessor


class Draw(LogitsProcessor):
    """Leaves one token a row to choose, drawn from the row's probabilities with the row's own random numbers.

    So what is drawn for a prompt depends on its seed alone, not on the batch that it is in.

    Parameters
    ----------
    seeds
        One a row.
    length
        Length of the prompts; tokens after it were drawn here.
    max_tokens
        Tokens to draw at most.
    temperature, top_p
        As in :class:`sc_duality.models.Sampling`.
    """

    def __init__(self, seeds: Sequence[int], length: int, max_tokens: int, *, temperature: float, top_p: float) -> None:
        self._chance = torch.from_numpy(np.stack([np.random.default_rng(seed).random(max_tokens) for seed in seeds]))
        self._length, self._temperature, self._top_p = length, temperature, top_p

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (rows, vocabulary) in which one token a row is left."""
        chance = self._chance[:, input_ids.shape[1] - self._length, None].to(scores.device)
        probability = torch.softmax(scores.double() / self._temperature, -1)
        order = None
        if self._top_p < 1:
            probability, order = probability.sort(dim=-1, descending=True, stable=True)
            probability[probability.cumsum(-1) - probability >= self._top_p] = 0
        below = probability.cumsum(-1)
        drawn = torch.searchsorted(below, chance * below[:, -1:], right=True).clamp(max=scores.shape[1] - 1)
        if order is not None:
            drawn = order.gather(1, drawn)
        return torch.full_like(scores, -torch.inf).scatter(1, drawn, 0.0)
