"""The engine for servers with an OpenAI-compatible API, local or hosted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from ....tasks import PromptFormat
from ..._sampling import SamplingParams
from ..._spec import ModelSpec
from .._answer_values import Finished, Unanswered
from .._engine import Engine
from ._address import Address
from ._client import Client, RequestFailed
from ._endpoint_likelihood import EndpointLikelihood
from ._event_loop import EventLoopThread
from ._served_models import find_served
from ._text_requests import read_text, text_request
from ._usage import Usage

#: Maximum number of prompts in one request for numbers.
_PROMPTS_PER_REQUEST = 16


class EndpointModel(Engine):
    """A model behind one or several servers with an OpenAI-compatible API.

    Requests are retried after transient faults. A prompt without an answer after all attempts is reported at the end,
    and the next call retries it. Servers of vLLM are recognized: they also return log-likelihoods (``score`` and
    ``likelihood``), restrict completions to choices, and are sent chat messages if their model has a chat template.
    Other servers are sent chat messages, with a JSON schema for choices.

    New weights need a new name (``--served-model-name``) or an empty cache (:func:`sc_duality.models.clear_cache`):
    a server does not identify its weights.

    Parameters
    ----------
    spec
        The servers, from :func:`sc_duality.models.resolve`: addresses separated by commas, then ``#name`` if they
        serve several models. A request goes to the server with the fewest in progress; one that fails is avoided
        for a while.
    like
        Specification of a model with the same prompt format, vocabulary, labels and temperatures. With
        :func:`sc_duality.models.load`, also a name such as ``"embedded"`` or a folder.
    api_key
        API key of the servers; by default the environment variable ``SC_DUALITY_API_KEY``, and ``OPENAI_API_KEY``
        for OpenAI only.
    concurrency
        Maximum number of requests in progress, for all servers together.
    timeout
        Maximum seconds of a response.
    attempts
        Maximum number of times to send a request.
    backoff
        Seconds before the second attempt; they double with each attempt. A server may request a longer pause.
    requests_per_minute
        Maximum rate of requests; they are spread evenly.
    price
        Dollars per million prompt tokens and per million completion tokens, for ``usage.cost``.
    chat
        Whether to send chat messages; by default as above, and as the prompt format says for servers other than
        vLLM.
    extra
        Fields to add to each request for a completion, such as ``{"reasoning_effort": "low"}``; ``None`` removes a
        field, such as ``{"temperature": None}`` for models that refuse it.

    Raises
    ------
    ConnectionError
        If no server answers.
    PermissionError
        If a server refuses the key.
    ValueError
        If an address is invalid, or the model is ambiguous.

    Examples
    --------
    Two servers of one model, and the error while they are not running:

    >>> import sc_duality as sd
    >>> sd.models.load("endpoint:http://127.0.0.1:9/v1,http://127.0.0.1:19/v1#llama", concurrency=128)
    Traceback (most recent call last):
    ConnectionError: no server answers (http://127.0.0.1:9/v1: ...). Is it running, and is the address right?
    """

    name: ClassVar[str] = "endpoint"
    reasoning_tokens: ClassVar[int] = 2048

    def __init__(
        self,
        spec: ModelSpec,
        *,
        like: ModelSpec | None = None,
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
                raise ValueError(f"{option}={value}: pass a number above 0")
        if requests_per_minute is not None and requests_per_minute <= 0:
            raise ValueError(f"requests_per_minute={requests_per_minute}: pass a number above 0, or None for no limit")
        if like is not None and not isinstance(like, ModelSpec):
            raise TypeError(f"like={like!r}: pass a ModelSpec, such as sd.models.resolve('embedded')")
        super().__init__(spec if like is None else _spec_like(spec, like))
        #: Requests, tokens and cost so far.
        self.usage = Usage(price=price)
        self._concurrency, self._extra = concurrency, dict(extra or {})
        urls, _, model = spec.source.partition("#")
        addresses = [Address(url.strip(), api_key=api_key, timeout=timeout) for url in urls.split(",")]
        self._client = Client(
            addresses, attempts=attempts, backoff=backoff, requests_per_minute=requests_per_minute, usage=self.usage
        )
        self._is_openai = all(address.is_openai for address in addresses)
        self._loop = EventLoopThread()
        self._finalizer = finalize(self, self._loop.close, self._client.close)
        self._served = self._loop.run(find_served(addresses, model or None))
        if chat is None:
            chat = self._served.has_template
        self._chat = PromptFormat(self.spec.prompt_format).chat if chat is None else chat

    @property
    def dtype(self) -> str:
        """Known only to the servers."""
        return "as served"

    @cached_property
    def fingerprint(self) -> str:
        """Name and origin of the model on its servers, and how requests are sent."""
        extra = [f"{key}={value!r}" for key, value in sorted(self._extra.items())]
        options = ", ".join(["chat" if self._chat else "text", *extra])
        return f"{self._served.model} from {self._served.origin} ({options})"

    def close(self) -> None:
        """Cancel the requests in progress and close all connections."""
        self._finalizer()

    def _generate(self, prompts: Sequence[str], sampling: SamplingParams, seeds: Sequence[int]) -> Iterator[Finished]:
        path = "/chat/completions" if self._chat else "/completions"

        async def complete(part: Sequence[int]) -> list[str]:
            (i,) = part
            body = text_request(prompts[i], sampling, seeds[i], chat=self._chat, vllm=self._served.is_vllm)
            if self._is_openai:
                body["max_completion_tokens"] = body.pop("max_tokens")
            body |= {"model": self._served.model, **self._extra}
            body = {key: value for key, value in body.items() if value is not None}
            return [await self._client.send(path, body, lambda answer: read_text(answer, sampling.choices))]

        return self._stream(complete, len(prompts), per_request=1)

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        likelihood = self._endpoint_likelihood()

        async def encode(choice: str) -> tuple[str, list[int]]:
            return choice, await likelihood.encode_answer(choice)

        self._client.reset(1)
        try:
            ids = dict(self._loop.stream(encode, set(choices), concurrency=self._concurrency))
        except RequestFailed as failure:
            raise ConnectionError(f"the choices could not be tokenized: {failure}") from None
        tails = [ids[choice] for choice in choices]
        return self._stream(lambda part: likelihood.score([prompts[i] for i in part], tails), len(prompts))

    def _likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Finished]:
        likelihood = self._endpoint_likelihood()
        return self._stream(
            lambda part: likelihood.likelihood([prompts[i] for i in part], [answers[i] for i in part]), len(prompts)
        )

    def _embed(self, prompts: Sequence[str]) -> Iterator[Finished]:
        async def embed(part: Sequence[int]) -> Sequence[Any]:
            body = {"model": self._served.model, "input": [prompts[i] for i in part], "encoding_format": "float"}
            return await self._client.send("/embeddings", body, lambda answer: _vectors(answer, len(part)))

        try:
            yield from self._stream(embed, len(prompts))
        except ValueError as error:
            raise ValueError(f"{error}; embeddings need a server with that route, or another engine") from None

    def _progress_note(self) -> str:
        return str(self.usage)

    def _endpoint_likelihood(self) -> EndpointLikelihood:
        if not self._served.is_vllm:
            raise ValueError(
                f"the servers of {self._served.model!r} return no log-likelihoods, only vLLM does: "
                "pass method='choose' or 'generate', or serve the model with vLLM"
            )
        return EndpointLikelihood(self._client, self._served.model, chat=self._chat)

    def _stream(
        self,
        send: Callable[[Sequence[int]], Coroutine[Any, Any, Sequence[Any] | NDArray[np.float64]]],
        n: int,
        *,
        per_request: int = _PROMPTS_PER_REQUEST,
    ) -> Iterator[Finished]:
        """Answers to ``n`` prompts, up to ``per_request`` in one request, as they finish."""
        # Fewer prompts in one request where they would not keep all requests busy.
        size = max(1, min(per_request, n // self._concurrency))
        parts = (range(start, min(start + size, n)) for start in range(0, n, size))
        self._client.reset(min(self._concurrency, -(-n // size)))
        before = self.usage.faults.copy()

        async def answer(part: range) -> Finished:
            try:
                return list(zip(part, await send(part), strict=True))
            except RequestFailed as failure:
                if len(part) == 1 or failure.unreachable:
                    return [(i, Unanswered(str(failure))) for i in part]
            # A single prompt may be the cause: send each one alone.
            return [pair for i in part for pair in await answer(range(i, i + 1))]

        try:
            yield from self._loop.stream(answer, parts, concurrency=self._concurrency)
        finally:
            self.usage.log_faults(before)


def _spec_like(spec: ModelSpec, like: ModelSpec) -> ModelSpec:
    """The specification ``like``, for a model at the source of ``spec``."""
    return replace(
        like, name=spec.name, source=spec.source, revision=spec.revision, vocabulary=like.vocabulary or like.source
    )


def _vectors(answer: Any, n: int) -> list[Any]:
    """Embeddings in the order of their prompts."""
    data = sorted(answer["data"], key=lambda entry: entry["index"])
    if [entry["index"] for entry in data] != list(range(n)):
        raise ValueError("not one answer to each prompt")
    vectors = np.array([entry["embedding"] for entry in data], np.float32)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError("not a vector for each prompt")
    return list(vectors)
