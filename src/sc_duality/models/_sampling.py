"""How completions are sampled: the settings of a user, and those of one call of an engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real


@dataclass(frozen=True)
class SamplingParams:
    """How an engine samples completions.

    Parameters
    ----------
    max_tokens
        Maximum number of tokens of a completion.
    temperature
        Sampling temperature. 0 always takes the most likely token, so that a prompt always gets the same completion.
    top_p
        Nucleus sampling: sample from the most likely tokens whose probabilities sum to this.
    seed
        Random seed.
    choices
        Restrict the completion to one of these texts. Any text by default.
    unique
        Sample each token once at most: a list of genes of a model with one token a gene then names no gene twice. Only
        with the engine transformers; others ignore it.
    contains
        A token that a completion has in its first half at the latest, such as the sign between two lists. Only with the
        engine transformers; others ignore it.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    choices: tuple[str, ...] = ()
    unique: bool = False
    contains: str | None = None

    def __post_init__(self) -> None:
        _check(self.temperature, self.max_tokens, self.top_p)


@dataclass(frozen=True)
class Sampling:
    """How a tool samples completions.

    Parameters
    ----------
    temperature
        Sampling temperature; 0 always takes the most likely token. ``None`` takes the default of the tool.
    max_tokens
        Maximum number of tokens of a completion, its reasoning included. ``None`` takes the default of the tool: for
        labels by a general model about 2,100 on servers and vLLM, so that reasoning models can end, and about 300 with
        transformers; a completion that ends earlier needs fewer.
    top_p
        Nucleus sampling: sample from the most likely tokens whose probabilities sum to this.
    n_samples
        Completions per prompt. Above 1, a tool keeps the best one by its duality score, or lets them vote on the label
        of a group of cells.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.Sampling(temperature=0.7, n_samples=8)
    Sampling(temperature=0.7, max_tokens=None, top_p=1.0, n_samples=8)
    """

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float = 1.0
    n_samples: int = 1

    def __post_init__(self) -> None:
        _check(self.temperature, self.max_tokens, self.top_p)
        _check_count("n_samples", self.n_samples)

    def params(
        self, *, temperature: float, max_tokens: int, seed: int, choices: tuple[str, ...] = ()
    ) -> SamplingParams:
        """Settings for an engine, with the defaults of a tool where the user gave no value.

        Parameters
        ----------
        temperature, max_tokens
            Defaults of the tool.
        seed
            Random seed.
        choices
            Texts to which the completion is restricted.
        """
        return SamplingParams(
            max_tokens=max_tokens if self.max_tokens is None else self.max_tokens,
            temperature=temperature if self.temperature is None else self.temperature,
            top_p=self.top_p,
            seed=seed,
            choices=choices,
        )


def _check(temperature: float | None, max_tokens: int | None, top_p: float) -> None:
    """Refuse invalid values; ``None`` stands for a default."""
    if max_tokens is not None:
        _check_count("max_tokens", max_tokens)
    if temperature is not None and not (_is_finite(temperature) and temperature >= 0):
        raise ValueError(f"temperature must not be negative or infinite, got {temperature!r}: 0 is greedy")
    if not (_is_finite(top_p) and 0 < top_p <= 1):
        raise ValueError(f"top_p must lie in (0, 1], got {top_p!r}: 1 keeps all tokens")


def _check_count(name: str, value: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be at least 1 and an integer, got {value!r}")


def _is_finite(value: float) -> bool:
    return isinstance(value, Real) and math.isfinite(value)
