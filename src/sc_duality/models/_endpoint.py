"""The engine behind an address: servers that speak OpenAI's interface, on this machine, on many, or hosted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from ..tasks import PromptFormat
from ._endpoint_address import Address
from ._endpoint_client import Client, GivenUpError
from ._endpoint_likelihood import Likelihoods
from ._endpoint_loop import Background
from ._endpoint_served import find_served
from ._endpoint_text import read_text, text_request
from ._endpoint_usage import Usage
from ._engine import Engine, Finished, Unanswered
from ._load import resolve
from ._protocol import LanguageModel, Sampling
from ._spec import ModelSpec

#: Prompts that are scored in one request, where there are enough to keep all requests busy.
_TOGETHER = 16


class EndpointModel(Engine):
    """A model behind one or several servers that speak OpenAI's interface.

    Requests that fail in a way that may pass are sent again; a prompt that got no answer after all attempts is
    reported at the end and left out, so that the next call asks it again. Servers of vLLM say their own name: they
    also give log-likelihoods (``score`` and ``likelihood``), hold answers to given choices, and are asked through the
    chat template if their model has one. Other servers are asked by chat, and to keep to choices by a JSON schema.

    New weights need a new name (``--served-model-name``) or an empty cache (:func:`sc_duality.models.clear_cache`):
    a server does not say which weights it holds.

    Parameters
    ----------
    spec
        Which servers, from :func:`sc_duality.models.resolve`: addresses with commas between, then ``#name`` unless
        they serve one model alone. A request goes to the server with the fewest under way; one that does not answer
        is left out for a while.
    like
        A model whose words, labels and temperatures are also those of the model that is served, such as
        ``"embedded"`` or a folder.
    api_key
        The key, if the servers ask for one; else ``SC_DUALITY_API_KEY`` of the environment, and ``OPENAI_API_KEY``
        for OpenAI alone.
    concurrency
        Requests under way at the same time, for all servers together.
    timeout
        Seconds that an answer may take.
    attempts
        How often a request is sent before its prompts go without an answer.
    backoff
        Seconds before the second attempt; they double with each. A server that asks for more time gets it.
    requests_per_minute
        Requests to send in a minute at most; they are spread evenly.
    price
        Dollars per million tokens, read and written: for ``usage.cost``.
    chat
        Whether to ask by chat; by default as above, but servers other than vLLM are asked for plain text in the
        prompt_formats ``compact`` and ``c2s``.
    extra
        Fields to add to each request for text, such as ``{"reasoning_effort": "low"}``; ``None`` takes a field away,
        such as ``{"temperature": None}`` for models that refuse one.

    Raises
    ------
    ConnectionError
        If no server answers.
    PermissionError
        If the key is refused.
    ValueError
        If an address is none, or it is not clear which model is meant.

    Examples
    --------
    Two servers of one model, and what is said while they are not there yet:

    >>> import sc_duality as sd
    >>> sd.models.load("endpoint:http://127.0.0.1:9/v1,http://127.0.0.1:19/v1#llama", concurrency=128)
    Traceback (most recent call last):
    ConnectionError: no server answers (http://127.0.0.1:9/v1: ...). Is it running, and is the address right?
    """

    name: ClassVar[str] = "endpoint"

    def __init__(
        self,
        spec: ModelSpec,
        *,
        like: str | Path | LanguageModel | None = None,
        api_key: str | None = None,
        concurrency: int = 64,
        timeout: float = 120.0,
        attempts: int = 6,
        backoff: float = 1.0,
        requests_per_minute: float | None = None,
        price: tuple[float, float] | None = None,
        chat: bool | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        limits = {"concurrency": concurrency, "timeout": timeout, "attempts": attempts, "backoff": backoff}
        for option, value in limits.items():
            if value <= 0:
                raise ValueError(f"{option} must be above 0, not {value}")
        if requests_per_minute is not None and requests_per_minute <= 0:
            raise ValueError(f"requests_per_minute must be above 0, not {requests_per_minute}: None sets no limit")
        super().__init__(spec if like is None else _spec_like(spec, resolve(like)))
        #: What was asked and what it cost, as it grows.
        self.usage = Usage(price=price)
        self._concurrency, self._extra = concurrency, dict(extra or {})
        urls, _, model = spec.source.partition("#")
        addresses = [Address(url.strip(), api_key=api_key, timeout=timeout) for url in urls.split(",")]
        self._client = Client(
            addresses, attempts=attempts, backoff=backoff, requests_per_minute=requests_per_minute, usage=self.usage
        )
        self._is_openai = all(address.is_openai for address in addresses)
        self._background = Background()
        self._finalizer = finalize(self, self._background.close, self._client.close)
        self._served = self._background.run(find_served(addresses, model or None))
        if chat is None:
            chat = self._served.has_template
        self._chat = PromptFormat(self.spec.prompt_format).chat if chat is None else chat

    @property
    def dtype(self) -> str:
        """Known to the servers alone."""
        return "as served"

    @cached_property
    def fingerprint(self) -> str:
        """Name and origin of the model, as its servers tell them, and how it is asked."""
        how = ["chat" if self._chat else "text", *(f"{key}={value!r}" for key, value in sorted(self._extra.items()))]
        return f"{self._served.model} from {self._served.origin} ({', '.join(how)})"

    def close(self) -> None:
        """Cancel what is under way and close all connections."""
        self._finalizer()

    def _generate(self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[int]) -> Iterator[Finished]:
        path = "/chat/completions" if self._chat else "/completions"

        async def ask(part: Sequence[int]) -> list[str]:
            (i,) = part
            body = text_request(prompts[i], sampling, seeds[i], chat=self._chat, vllm=self._served.is_vllm)
            if self._is_openai:
                body["max_completion_tokens"] = body.pop("max_tokens")
            body |= {"model": self._served.model, **self._extra}
            body = {key: value for key, value in body.items() if value is not None}
            return [await self._client.ask(path, body, lambda answer: read_text(answer, sampling.choices))]

        return self._stream(ask, len(prompts), together=1)

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        likelihoods = self._likelihoods()

        async def look_up(choice: str) -> tuple[str, list[int]]:
            return choice, await likelihoods.answer(choice)

        self._client.begin(1)
        try:
            found = dict(self._background.stream(look_up, set(choices), at_once=self._concurrency))
        except GivenUpError as failure:
            raise ConnectionError(f"the choices could not be looked up: {failure}") from None
        tails = [found[choice] for choice in choices]
        return self._stream(
            lambda part: likelihoods.score([prompts[i] for i in part], tails), len(prompts), together=_TOGETHER
        )

    def _likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Finished]:
        likelihoods = self._likelihoods()
        return self._stream(
            lambda part: likelihoods.likelihood([prompts[i] for i in part], [answers[i] for i in part]),
            len(prompts),
            together=_TOGETHER,
        )

    def _embed(self, prompts: Sequence[str]) -> Iterator[Finished]:
        async def ask(part: Sequence[int]) -> Sequence[Any]:
            body = {"model": self._served.model, "input": [prompts[i] for i in part], "encoding_format": "float"}
            return await self._client.ask("/embeddings", body, lambda answer: _vectors(answer, len(part)))

        try:
            yield from self._stream(ask, len(prompts), together=_TOGETHER)
        except ValueError as error:
            raise ValueError(f"{error}; embeddings need a server that gives them, or another engine") from None

    def _note(self) -> str:
        return str(self.usage)

    def _likelihoods(self) -> Likelihoods:
        if not self._served.is_vllm:
            raise ValueError(
                f"the servers of {self._served.model!r} give no log-likelihoods, as only vLLM does: "
                "pass method='choose' or 'generate', or serve the model by vLLM"
            )
        return Likelihoods(self._client, self._served.model, chat=self._chat)

    def _stream(
        self,
        ask: Callable[[Sequence[int]], Coroutine[Any, Any, Sequence[Any] | NDArray[np.float64]]],
        n: int,
        *,
        together: int,
    ) -> Iterator[Finished]:
        """Answers to ``n`` prompts, up to ``together`` in one request, as they come."""
        size = max(1, min(together, n // self._concurrency))
        parts = (range(start, min(start + size, n)) for start in range(0, n, size))
        self._client.begin(min(self._concurrency, -(-n // size)))

        async def answer(part: range) -> Finished:
            try:
                return list(zip(part, await ask(part), strict=True))
            except GivenUpError as failure:
                if len(part) == 1 or failure.unreachable:
                    return [(i, Unanswered(str(failure))) for i in part]
            # It may be one of them alone that the server has no answer to.
            return [pair for i in part for pair in await answer(range(i, i + 1))]

        return self._background.stream(answer, parts, at_once=self._concurrency)


def _spec_like(spec: ModelSpec, like: ModelSpec) -> ModelSpec:
    """The words, labels and temperatures of ``like``, for a model that is somewhere else."""
    return replace(
        like, name=spec.name, source=spec.source, revision=spec.revision, vocabulary=like.vocabulary or like.source
    )


def _vectors(answer: Any, n: int) -> list[Any]:
    """Embeddings in the order of their prompts."""
    data = sorted(answer["data"], key=lambda one: one["index"])
    vectors = np.array([one["embedding"] for one in data], np.float32)
    if vectors.ndim != 2 or len(vectors) != n or not np.isfinite(vectors).all():
        raise ValueError("not one vector a prompt")
    return list(vectors)
