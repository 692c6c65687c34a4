"""What all engines share: each request is computed once, its answer is stored at once, and failures are reported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache, cached_property
from hashlib import blake2b
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..._settings import settings
from .._sampling import SamplingParams
from .._spec import ModelSpec
from ._answer_cache import NO_CACHE, answer_cache
from ._answer_values import Finished, Unanswered, report, rows, to_bytes, to_float32, to_float64
from ._progress_bar import request_bar


class Engine(ABC):
    """Base class of engines: a :class:`sc_duality.models.LanguageModel` with a cache.

    A subclass implements ``_generate``, ``_score``, ``_likelihood`` and ``_embed``, which yield answers as they
    finish, in any order. This class does what is the same for all: stored answers come from the cache, equal requests
    are computed once, and every answer is stored as soon as it is finished, so that a killed run can be resumed.
    """

    #: As in ``engine=`` of :func:`sc_duality.models.load`.
    name: ClassVar[str]
    #: Packages whose version may change an answer.
    packages: ClassVar[tuple[str, ...]] = ()
    #: Whether the weights change between calls, so that answers are not stored and no progress bar is shown.
    transient: ClassVar[bool] = False
    #: Tokens to reason that a completion has by default, where its prompt invites the model to reason.
    reasoning_tokens: ClassVar[int] = 256
    #: Requests, tokens and cost so far; ``None`` where they are not counted.
    usage: Any = None

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    @property
    @abstractmethod
    def dtype(self) -> str:
        """Data type of the weights in use."""

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the weights."""
        return self.spec.fingerprint

    def generate(self, prompts: Sequence[str], sampling: SamplingParams) -> list[str | None]:
        """Generate a completion of every prompt.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        sampling
            How to sample. The sample of a prompt depends on the seed, the prompt and how often it occurred before in
            ``prompts``, not on other prompts.

        Returns
        -------
        One text per prompt, without the prompt and without special tokens; ``None`` where there is no answer.
        """
        repeats = _repeats(prompts) if sampling.temperature > 0 else [0] * len(prompts)
        seeds = [_seed(sampling.seed, repeat, prompt) for prompt, repeat in zip(prompts, repeats, strict=True)]
        keys = self._keys("generate", sampling, zip(prompts, repeats, strict=True))

        def compute(indices: list[int]) -> Iterator[Finished]:
            return self._generate([prompts[i] for i in indices], sampling, [seeds[i] for i in indices])

        return self._answers("generating", keys, compute, str.encode, bytes.decode)

    def score(self, prompts: Sequence[str], choices: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of every choice after every prompt.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        choices
            Possible completions.

        Returns
        -------
        Natural logarithms, (n_prompts, n_choices), summed over the tokens of a choice; NaN where there is no answer.
        """
        if not choices:
            raise ValueError("choices is empty: pass at least one text to score")
        keys = self._keys("score", tuple(choices), prompts)

        def compute(indices: list[int]) -> Iterator[Finished]:
            return self._score([prompts[i] for i in indices], choices)

        return rows(self._answers("scoring", keys, compute, to_bytes, to_float64), len(choices), np.float64)

    def likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of each answer after its own prompt.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        answers
            One text per prompt.

        Returns
        -------
        Natural logarithms, (n_prompts,), summed over the tokens of an answer; NaN where there is none.
        """
        keys = self._keys("likelihood", (), zip(prompts, answers, strict=True))

        def compute(indices: list[int]) -> Iterator[Finished]:
            return self._likelihood([prompts[i] for i in indices], [answers[i] for i in indices])

        return rows(self._answers("scoring", keys, compute, to_bytes, to_float64), 1, np.float64)[:, 0]

    def embed(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """Mean of the last layer's hidden states over the tokens of each prompt.

        Returns
        -------
        (n_prompts, width); NaN where there is no answer.
        """

        def compute(indices: list[int]) -> Iterator[Finished]:
            return self._embed([prompts[i] for i in indices])

        vectors = self._answers("embedding", self._keys("embed", (), prompts), compute, to_bytes, to_float32)
        width = next((len(vector) for vector in vectors if vector is not None), 0)
        return rows(vectors, width, np.float32)

    def live(self) -> AbstractContextManager[Any]:
        """Context in which the model may be queried; only a model under training needs it."""
        return nullcontext(self)

    def skip_generate(self) -> None:  # noqa: B027  (only a model under training needs it)
        """Take part in a collective call of :meth:`generate` without a prompt."""

    def close(self) -> None:  # noqa: B027  (most engines hold nothing else)
        """Release what the engine holds besides memory of this process."""

    @abstractmethod
    def _generate(self, prompts: Sequence[str], sampling: SamplingParams, seeds: Sequence[int]) -> Iterator[Finished]:
        """Texts, each sampled with its own seed."""

    @abstractmethod
    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        """For each prompt float64 (n_choices,)."""

    @abstractmethod
    def _likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Finished]:
        """For each prompt a number."""

    @abstractmethod
    def _embed(self, prompts: Sequence[str]) -> Iterator[Finished]:
        """For each prompt float32 (width,)."""

    def _progress_note(self) -> str:
        """Text after the count in the progress bar."""
        return ""

    def _keys(self, method: str, options: Any, requests: Iterable[Any]) -> list[bytes]:
        """Cache key of each request: differs from that of any other request to any model."""
        identity = (self.name, self.fingerprint, self.dtype, _versions(self.packages), method, options)
        start = blake2b(repr(identity).encode(), digest_size=16)
        keys = []
        for request in requests:
            key = start.copy()
            key.update((request if isinstance(request, str) else repr(request)).encode())
            keys.append(key.digest())
        return keys

    def _answers(
        self,
        description: str,
        keys: list[bytes],
        compute: Callable[[list[int]], Iterator[Finished]],
        encode: Callable[[Any], bytes],
        decode: Callable[[bytes], Any],
    ) -> list[Any]:
        """The answer to each request, ``None`` where there is none; requests with equal keys are computed once."""
        first_index = dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
        cache = NO_CACHE if self.transient else answer_cache()
        answers = {key: decode(value) for key, value in cache.get(list(first_index)).items()}
        missing = sorted(index for key, index in first_index.items() if key not in answers)
        failures: Counter[str] = Counter()
        computing = compute(missing) if missing else iter(())
        is_hidden = self.transient or not settings.progress or not keys
        with request_bar(len(keys), len(first_index), len(answers), description, hidden=is_hidden) as bar:
            try:
                for finished in computing:
                    new = {keys[missing[i]]: answer for i, answer in finished if not isinstance(answer, Unanswered)}
                    failures.update(answer.reason for _, answer in finished if isinstance(answer, Unanswered))
                    cache.put([(key, encode(answer)) for key, answer in new.items()])
                    answers |= new
                    bar.update(len(finished), self._progress_note())
            except (Exception, KeyboardInterrupt) as error:
                if answers and cache.is_open:
                    error.add_note(f"{len(answers)} of {len(first_index)} answers are stored: call again to resume")
                raise
            finally:
                if isinstance(computing, Generator):
                    computing.close()  # so that an engine stops at once after an interrupt
        report(failures, len(first_index), stored=cache.is_open)
        return [answers.get(key) for key in keys]


def _repeats(prompts: Sequence[str]) -> list[int]:
    """How often each prompt occurred before."""
    seen: Counter[str] = Counter()
    repeats = []
    for prompt in prompts:
        repeats.append(seen[prompt])
        seen[prompt] += 1
    return repeats


def _seed(seed: int, repeat: int, prompt: str) -> int:
    """Seed of one prompt, below 2**63."""
    return int.from_bytes(blake2b(f"{seed}\n{repeat}\n{prompt}".encode(), digest_size=8).digest(), "little") >> 1


@cache
def _versions(packages: tuple[str, ...]) -> list[str]:
    """Installed versions of this package and others; a lookup takes milliseconds."""
    return [version(name) for name in ("sc-duality", *packages)]
