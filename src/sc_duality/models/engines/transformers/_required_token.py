"""Completions that do not end before they hold a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor


class RequiredToken(LogitsProcessor):
    """Rules out the end of text for a row until it has sampled a token.

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

    Raises
    ------
    ValueError
        The text is not one token.
    """

    def __init__(self, tokenizer: Any, text: str, ends: int | Sequence[int], length: int) -> None:
        tokens = tokenizer.encode(text, add_special_tokens=False)
        if len(tokens) != 1:
            raise ValueError(f"contains={text!r} is {len(tokens)} tokens of this model, not one: leave it out")
        self._token, self._length = tokens[0], length
        self._ends = [ends] if isinstance(ends, int) else list(ends)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) with -inf for the end of text where the token is missing."""
        missing = ~(input_ids[:, self._length :] == self._token).any(dim=1)
        scores = scores.clone()
        scores[:, self._ends] = scores[:, self._ends].masked_fill(missing[:, None], -torch.inf)
        return scores
