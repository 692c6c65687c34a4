"""Completions that hold a token, in their first half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor


class RequiredToken(LogitsProcessor):
    """Rules out the end of text for a row until it has sampled a token, and every other token where it is due.

    Parameters
    ----------
    tokenizer
        Of the model.
    text
        The token.
    ends
        Tokens that end a text.
    length
        Length of the prompts; tokens after it were sampled here.
    latest
        Tokens of a completion before it at most.

    Raises
    ------
    ValueError
        The text is not one token.
    """

    def __init__(self, tokenizer: Any, text: str, ends: int | Sequence[int], length: int, latest: int) -> None:
        tokens = tokenizer.encode(text, add_special_tokens=False)
        if len(tokens) != 1:
            raise ValueError(f"contains={text!r} is {len(tokens)} tokens of this model, not one: leave it out")
        self._token, self._length, self._latest = tokens[0], length, latest
        self._ends = [ends] if isinstance(ends, int) else list(ends)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary), -inf for the end of text or for all other tokens where the token is missing."""
        missing = ~(input_ids[:, self._length :] == self._token).any(dim=1)[:, None]
        ruled_out = torch.zeros_like(scores, dtype=torch.bool)
        if input_ids.shape[1] - self._length < self._latest:
            ruled_out[:, self._ends] = True
        else:
            ruled_out[:] = True
            ruled_out[:, self._token] = False
        return scores.masked_fill(missing & ruled_out, -torch.inf)
