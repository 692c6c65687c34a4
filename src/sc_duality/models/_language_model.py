"""What a model must be able to do, and what an engine tells about itself.

A user may pass an object of their own as ``model=``. It needs the five members of :class:`LanguageModel`; everything
else is optional, and the functions here give the default where it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ._sampling import SamplingParams
from ._spec import ModelSpec

#: Tokens to reason of a model that is not an engine of this package; a completion that ends earlier needs fewer.
_REASONING_TOKENS = 2048


@runtime_checkable
class LanguageModel(Protocol):
    """A model that generates, scores and embeds text; any object with these members works.

    A prompt without an answer has ``None`` for a text and NaN for numbers.
    """

    spec: ModelSpec

    def generate(self, prompts: Sequence[str], sampling: SamplingParams) -> Sequence[str | None]:
        """One completion per prompt."""

    def score(self, prompts: Sequence[str], choices: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of every choice after every prompt, (n_prompts, n_choices)."""

    def likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of each answer after its own prompt, (n_prompts,), summed over the tokens of the answer."""

    def embed(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """One vector per prompt, (n_prompts, width)."""


class EngineInfo(NamedTuple):
    """What identifies the engine behind a model."""

    #: As in ``engine=`` of :func:`sc_duality.models.load`, or the class of a user's own model.
    name: str
    #: Data type of the weights; ``None`` if unknown.
    dtype: str | None
    #: Identifies the weights.
    fingerprint: str
    #: Packages whose version may change an answer.
    packages: tuple[str, ...]
    #: Requests, tokens and cost so far; ``None`` if they are not counted.
    usage: Any
    #: Tokens to reason that a completion of a general model has by default, where its prompt invites it to reason.
    reasoning_tokens: int
    #: Number of tokens of each text by the model's tokenizer; ``None`` without one on this machine.
    n_tokens: Callable[[Sequence[str]], list[int]] | None


def engine_info(model: LanguageModel) -> EngineInfo:
    """Name, data type, fingerprint, packages, usage, tokens to reason and token counter of the engine behind a model.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.engine_info(sd.models.load("embedded", engine="transformers")).packages
    ('torch', 'transformers')
    """
    return EngineInfo(
        name=getattr(model, "name", type(model).__name__),
        dtype=getattr(model, "dtype", None),
        fingerprint=getattr(model, "fingerprint", None) or model.spec.fingerprint,
        packages=tuple(getattr(model, "packages", ())),
        usage=getattr(model, "usage", None),
        reasoning_tokens=getattr(model, "reasoning_tokens", _REASONING_TOKENS),
        n_tokens=getattr(model, "n_tokens", None),
    )


def live(model: LanguageModel) -> AbstractContextManager[Any]:
    """Context in which a model may be queried; only a model under training needs it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> model = sd.models.load("embedded")
    >>> with sd.models.live(model):
    ...     vectors = model.embed(["<annotate> <cell> CD79A MS4A1 <type>"])
    """
    context: AbstractContextManager[Any] = getattr(model, "live", nullcontext)()
    return context


def skip_generate(model: LanguageModel) -> None:
    """Take part in a collective call of ``generate`` without a prompt; only a model under training needs it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.skip_generate(sd.models.load("embedded"))
    """
    getattr(model, "skip_generate", nullcontext)()
