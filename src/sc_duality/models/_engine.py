"""What all engines share: answers are looked up, asked for, kept and counted in one place."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from .._settings import settings
from ._cache import NO_CACHE, answer_cache
from ._protocol import Sampling
from ._spec import ModelSpec

logger = logging.getLogger(__name__)


class Unanswered(NamedTuple):
    """Takes the place of an answer that could not be had."""

    reason: str


#: Answers that are finished, each with the place of its prompt.
Finished = Sequence[tuple[int, Any]]


class Engine(ABC):
    """A language model behind the four questions of :class:`sc_duality.models.LanguageModel`.

    An engine says how prompts are answered: ``_generate``, ``_score``, ``_likelihood`` and
    ``_embed`` yield answers as they finish, in any order. Here stands what is the same for all: what was answered
    before is taken from the cache, the same question is put only once, and every answer is kept as soon as it is
    there, so that work that was killed goes on where it stopped.
    """

    #: As in ``engine=`` of :func:`sc_duality.models.load`.
    name: ClassVar[str]
    #: Packages whose version may change an answer.
    packages: ClassVar[tuple[str, ...]] = ()
    #: Whether the weights change from call to call, so that nothing is kept and no bar is shown.
    transient: ClassVar[bool] = False

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    @property
    @abstractmethod
    def dtype(self) -> str:
        """Type of the weights as they are used."""

    @cached_property
    def fingerprint(self) -> str:
        """What tells these weights from all others."""
        return self.spec.fingerprint

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[str | None]:
        """Continue every prompt.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        sampling
            How to draw. What is drawn for a prompt follows from the seed, the prompt and how often it came before
            in ``prompts``, not from other prompts.

        Returns
        -------
        One text a prompt, without the prompt and without special tokens; ``None`` where there is no answer.
        """
        repeats = _repeats(prompts) if sampling.temperature > 0 else [0] * len(prompts)
        seeds = [_seed(sampling.seed, repeat, prompt) for prompt, repeat in zip(prompts, repeats, strict=True)]
        keys = self._keys("generate", sampling, zip(prompts, repeats, strict=True))

        def ask(places: list[int]) -> Iterator[Finished]:
            return self._generate([prompts[i] for i in places], sampling, [seeds[i] for i in places])

        return self._answers("generating", keys, ask, str.encode, bytes.decode)

    def score(self, prompts: Sequence[str], choices: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of every choice after every prompt.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        choices
            Texts that might follow.

        Returns
        -------
        Natural logarithms, (n_prompts, n_choices), summed over the tokens of a choice; NaN where there is no answer.
        """
        if not choices:
            raise ValueError("there are no choices to score")
        keys = self._keys("score", tuple(choices), prompts)
        found = self._answers(
            "scoring", keys, lambda places: self._score([prompts[i] for i in places], choices), _bytes, _doubles
        )
        return _rows(found, len(choices), np.float64)

    def likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of each answer after its own prompt.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        answers
            One text a prompt.

        Returns
        -------
        Natural logarithms, (n_prompts,), summed over the tokens of an answer; NaN where there is none.
        """
        keys = self._keys("likelihood", (), zip(prompts, answers, strict=True))

        def ask(places: list[int]) -> Iterator[Finished]:
            return self._likelihood([prompts[i] for i in places], [answers[i] for i in places])

        return _rows(self._answers("judging", keys, ask, _bytes, _doubles), 1, np.float64)[:, 0]

    def embed(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """Mean of the last layer's hidden states over the tokens of each prompt.

        Returns
        -------
        (n_prompts, width); NaN where there is no answer.
        """
        keys = self._keys("embed", (), prompts)
        found = self._answers(
            "embedding", keys, lambda places: self._embed([prompts[i] for i in places]), _bytes, _singles
        )
        width = next((len(vector) for vector in found if vector is not None), 0)
        return _rows(found, width, np.float32)

    def close(self) -> None:  # noqa: B027  (most engines hold nothing else)
        """Give back what the engine holds besides memory of this process."""

    @abstractmethod
    def _generate(self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[int]) -> Iterator[Finished]:
        """Texts, each drawn with its own seed."""

    @abstractmethod
    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        """For each prompt float64 (n_choices,)."""

    @abstractmethod
    def _likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Finished]:
        """For each prompt a number."""

    @abstractmethod
    def _embed(self, prompts: Sequence[str]) -> Iterator[Finished]:
        """For each prompt float32 (width,)."""

    def _note(self) -> str:
        """What the progress bar says besides its count."""
        return ""

    def _keys(self, what: str, how: Any, asked: Any) -> list[bytes]:
        """A name for each question, which tells it from all others that were ever put to any model."""
        versions = [version(name) for name in ("sc-duality", *self.packages)]
        start = blake2b(repr((self.name, self.fingerprint, self.dtype, versions, what, how)).encode(), digest_size=16)
        keys = []
        for question in asked:
            key = start.copy()
            key.update((question if isinstance(question, str) else repr(question)).encode())
            keys.append(key.digest())
        return keys

    def _answers(
        self,
        what: str,
        keys: list[bytes],
        ask: Callable[[list[int]], Iterator[Finished]],
        encode: Callable[[Any], bytes],
        decode: Callable[[bytes], Any],
    ) -> list[Any]:
        """The answer to each question, ``None`` where there is none; equal keys are one question."""
        places = dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
        cache = NO_CACHE if self.transient else answer_cache()
        known = {key: decode(value) for key, value in cache.get(list(places)).items()}
        asked = sorted(place for key, place in places.items() if key not in known)
        failures: Counter[str] = Counter()
        answering = ask(asked) if asked else iter(())
        hidden = self.transient or not settings.progress or not places
        with tqdm(total=len(places), initial=len(known), desc=what, disable=hidden) as bar:
            try:
                for finished in answering:
                    answers = {keys[asked[i]]: one for i, one in finished if not isinstance(one, Unanswered)}
                    failures.update(one.reason for _, one in finished if isinstance(one, Unanswered))
                    cache.put([(key, encode(one)) for key, one in answers.items()])
                    known |= answers
                    bar.set_postfix_str(self._note(), refresh=False)
                    bar.update(len(finished))
            except Exception as error:
                if known and cache.is_open:
                    error.add_note(f"{len(known)} of {len(places)} answers are kept: call again to go on from there")
                raise
            finally:
                if isinstance(answering, Generator):
                    answering.close()  # so that an engine stops at once when this was interrupted
        _report(failures, len(places), kept=cache.is_open)
        return [known.get(key) for key in keys]


def _report(failures: Counter[str], n: int, *, kept: bool) -> None:
    if failures:
        reasons = "; ".join(f"{count} × {reason}" for reason, count in failures.most_common(5))
        again = "the others are kept, call again to ask only these" if kept else "call again to ask them"
        logger.warning("%d of %d prompts got no answer (%s): %s", failures.total(), n, reasons, again)


def _repeats(prompts: Sequence[str]) -> list[int]:
    """How often each prompt came before."""
    seen: Counter[str] = Counter()
    repeats = []
    for prompt in prompts:
        repeats.append(seen[prompt])
        seen[prompt] += 1
    return repeats


def _seed(seed: int, repeat: int, prompt: str) -> int:
    """A seed of this prompt's own, below 2**63."""
    return int.from_bytes(blake2b(f"{seed}\n{repeat}\n{prompt}".encode(), digest_size=8).digest(), "little") >> 1


def _rows(found: list[Any], width: int, dtype: type) -> NDArray[Any]:
    rows: NDArray[Any] = np.full((len(found), width), np.nan, dtype)
    for row, answer in zip(rows, found, strict=True):
        if answer is not None:
            row[:] = answer
    return rows


def _bytes(values: Any) -> bytes:
    return np.asarray(values).tobytes()


def _doubles(stored: bytes) -> NDArray[np.float64]:
    return np.frombuffer(stored, np.float64)


def _singles(stored: bytes) -> NDArray[np.float32]:
    return np.frombuffer(stored, np.float32)
