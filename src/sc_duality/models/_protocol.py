"""What every engine can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ._spec import ModelSpec


@dataclass(frozen=True)
class Sampling:
    """How text is drawn.

    Parameters
    ----------
    max_tokens
        Tokens to write at most.
    temperature
        0 takes the likeliest token each time, and then the same prompt always gets the same text.
    top_p
        Draw from the likeliest tokens whose probabilities add up to this.
    seed
        Seed of the draws.
    choices
        Texts of which one must be written; any text will do by default.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, not {self.max_tokens}")
        if self.temperature < 0:
            raise ValueError(f"temperature must not be negative: {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1], not {self.top_p}")


@runtime_checkable
class LanguageModel(Protocol):
    """A model that continues, judges and embeds text; any object with these members will do.

    A prompt that got no answer has ``None`` for a text and NaN for numbers.
    """

    spec: ModelSpec

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Sequence[str | None]:
        """One continuation a prompt."""

    def score(self, prompts: Sequence[str], choices: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of every choice after every prompt, (n_prompts, n_choices)."""

    def likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of each answer after its own prompt, (n_prompts,), summed over the answer's tokens."""

    def embed(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a prompt, (n_prompts, width)."""
