"""Log-likelihoods from servers of vLLM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._token_tree import MAX_TOKEN_IDS, branches
from ._client import Client

T = TypeVar("T")


class EndpointLikelihood:
    """Requests log-likelihoods from a server of vLLM.

    Parameters
    ----------
    client
        Sends the requests.
    model
        Name of the model on the server.
    chat
        Whether prompts are wrapped in the chat template.
    """

    def __init__(self, client: Client, model: str, *, chat: bool) -> None:
        self._client, self._model, self._chat = client, model, chat
        self._answer_ids: dict[str, list[int]] = {}

    async def encode_answer(self, text: str) -> list[int]:
        """Token ids of an answer after a prompt; an error where it is not in the vocabulary."""
        if text not in self._answer_ids:
            body = {"prompt": text, "add_special_tokens": False, "return_token_strs": True}
            ids, tokens = await self._tokenize(body, lambda answer: (_ids(answer["tokens"]), answer["token_strs"]))
            if not ids or tokens in (["<unk>"], ["[UNK]"]):
                raise ValueError(f"the answer {text!r} is not in the vocabulary of the model {self._model!r}")
            self._answer_ids[text] = ids
        return self._answer_ids[text]

    async def score(self, prompts: Sequence[str], answers: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """Log-likelihood of every answer (token ids) after every prompt, (n_prompts, n_answers).

        The server caches the keys and values of a prompt, so that only the first request with it is expensive.
        """
        # The first request may send texts, as its response contains the token ids for the following ones.
        encoded: list[list[int]] | list[str] = await self._encode_prompts(prompts) if self._chat else list(prompts)
        log_probs: dict[tuple[int, ...], NDArray[np.float64]] = {}
        for prefix, tokens in branches(answers).items():
            sent = [[*ids, *prefix] for ids in encoded] if prefix else encoded
            for start in range(0, len(tokens), MAX_TOKEN_IDS):
                part = tokens[start : start + MAX_TOKEN_IDS]
                fields = {"logprobs": 1, "logprob_token_ids": part, "return_tokens_as_token_ids": True}
                values, ids = await self._complete(sent, fields, [partial(_next_tokens, tokens=part)] * len(prompts))
                log_probs |= {(*prefix, token): values[:, column] for column, token in enumerate(part)}
                encoded = encoded if prefix else ids
        paths = [[tuple(answer[: end + 1]) for end in range(len(answer))] for answer in answers]
        return np.stack([np.sum([log_probs[step] for step in path], axis=0) for path in paths], axis=1)

    async def likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of each answer after its own prompt, (n_prompts,)."""
        encoded = await self._encode_prompts(prompts)
        tails = [await self.encode_answer(text) for text in answers]
        sent = [[*ids, *tail] for ids, tail in zip(encoded, tails, strict=True)]
        readers = [partial(_last_tokens, tokens=tail) for tail in tails]
        values, _ = await self._complete(sent, {"prompt_logprobs": 0}, readers)
        return values

    async def _encode_prompts(self, prompts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, each wrapped in the chat template if there is one."""
        bodies: list[dict[str, Any]] = [
            {"messages": [{"role": "user", "content": text}]} if self._chat else {"prompt": text} for text in prompts
        ]
        return [await self._tokenize(body, lambda answer: _ids(answer["tokens"])) for body in bodies]

    async def _tokenize(self, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        return await self._client.send("{root}/tokenize", {"model": self._model, **body}, read)

    async def _complete(
        self,
        prompts: Sequence[Sequence[int]] | Sequence[str],
        fields: Mapping[str, Any],
        readers: Sequence[Callable[[Any], Any]],
    ) -> tuple[NDArray[np.float64], list[list[int]]]:
        """One number or row per prompt, by its reader, and the token ids of the prompt."""

        def read_all(answer: Any) -> tuple[NDArray[np.float64], list[list[int]]]:
            choices = sorted(answer["choices"], key=lambda choice: choice["index"])
            if [choice["index"] for choice in choices] != list(range(len(prompts))):
                raise ValueError("not one answer to each prompt")
            values = np.array([read(choice) for read, choice in zip(readers, choices, strict=True)], np.float64)
            if not np.isfinite(values).all():
                raise ValueError("a log-likelihood is not finite")
            return values, [_ids(choice["prompt_token_ids"]) for choice in choices]

        body = {"model": self._model, "prompt": prompts, "max_tokens": 1, "temperature": 0.0, "return_token_ids": True}
        return await self._client.send("/completions", {**body, **fields}, read_all)


def _next_tokens(choice: Mapping[str, Any], tokens: Sequence[int]) -> list[float]:
    """Log-probabilities of possible next tokens."""
    log_probs = choice["logprobs"]["top_logprobs"][0]
    return [log_probs[f"token_id:{token}"] for token in tokens]


def _last_tokens(choice: Mapping[str, Any], tokens: Sequence[int]) -> float:
    """Log-likelihood of the tokens at the end of the prompt."""
    log_probs = choice["prompt_logprobs"][-len(tokens) :]
    return sum(at_position[str(token)]["logprob"] for at_position, token in zip(log_probs, tokens, strict=True))


def _ids(tokens: Any) -> list[int]:
    if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
        raise TypeError("token ids must be integers")
    return tokens
