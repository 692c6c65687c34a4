"""Log-likelihoods, as servers of vLLM give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ._endpoint_client import Client
from ._trie import MOST_TOKENS, branches

T = TypeVar("T")


class Likelihoods:
    """Puts questions about log-likelihoods to a server of vLLM.

    Parameters
    ----------
    client
        Who asks.
    model
        Name of the model on the server.
    chat
        Whether prompts are wrapped in the chat template.
    """

    def __init__(self, client: Client, model: str, *, chat: bool) -> None:
        self._client, self._model, self._chat = client, model, chat
        self._answers: dict[str, list[int]] = {}

    async def answer(self, text: str) -> list[int]:
        """Token ids of what may follow a prompt, or an error where the model has no word for it."""
        if text not in self._answers:
            body = {"prompt": text, "add_special_tokens": False, "return_token_strs": True}
            ids, words = await self._tokenize(body, lambda answer: (_ids(answer["tokens"]), answer["token_strs"]))
            if not ids or words in (["<unk>"], ["[UNK]"]):
                raise ValueError(f"the model {self._model!r} has no word for the answer {text!r}")
            self._answers[text] = ids
        return self._answers[text]

    async def score(self, prompts: Sequence[str], tails: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """Log-likelihood of every answer (token ids) after every prompt, (n_prompts, n_answers).

        The server keeps what it has read, so that of all questions about a prompt only the first costs much.
        """
        # Texts do for the first question, whose answer has their token ids for those that follow.
        heads: list[list[int]] | list[str] = await self._heads(prompts) if self._chat else list(prompts)
        found: dict[tuple[int, ...], NDArray[np.float64]] = {}
        for beginning, tokens in branches(tails).items():
            asked = [[*head, *beginning] for head in heads] if beginning else heads
            for start in range(0, len(tokens), MOST_TOKENS):
                part = tokens[start : start + MOST_TOKENS]
                fields = {"logprobs": 1, "logprob_token_ids": part, "return_tokens_as_token_ids": True}
                values, ids = await self._complete(asked, fields, [partial(_next, tokens=part)] * len(prompts))
                found |= {(*beginning, token): values[:, column] for column, token in enumerate(part)}
                heads = heads if beginning else ids
        ends = [[tuple(tail[: end + 1]) for end in range(len(tail))] for tail in tails]
        return np.stack([np.sum([found[end] for end in of_one], axis=0) for of_one in ends], axis=1)

    async def likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of each answer after its own prompt, (n_prompts,)."""
        heads = await self._heads(prompts)
        tails = [await self.answer(text) for text in answers]
        asked = [[*head, *tail] for head, tail in zip(heads, tails, strict=True)]
        values, _ = await self._complete(asked, {"prompt_logprobs": 0}, [partial(_last, tokens=tail) for tail in tails])
        return values

    async def _heads(self, prompts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, each wrapped in the chat template if there is one."""
        bodies: list[dict[str, Any]] = [
            {"messages": [{"role": "user", "content": text}]} if self._chat else {"prompt": text} for text in prompts
        ]
        return [await self._tokenize(body, lambda answer: _ids(answer["tokens"])) for body in bodies]

    async def _tokenize(self, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        return await self._client.ask("{root}/tokenize", {"model": self._model, **body}, read)

    async def _complete(
        self,
        prompts: Sequence[Sequence[int]] | Sequence[str],
        fields: Mapping[str, Any],
        read: Sequence[Callable[[Any], Any]],
    ) -> tuple[NDArray[np.float64], list[list[int]]]:
        """One number or row a prompt, read out of its part of the answer, and its token ids."""

        def read_all(answer: Any) -> tuple[NDArray[np.float64], list[list[int]]]:
            choices = sorted(answer["choices"], key=lambda choice: choice["index"])
            values = np.array([one(choice) for one, choice in zip(read, choices, strict=True)], np.float64)
            if not np.isfinite(values).all():
                raise ValueError("a log-likelihood is no number")
            return values, [_ids(choice["prompt_token_ids"]) for choice in choices]

        body = {"model": self._model, "prompt": prompts, "max_tokens": 1, "temperature": 0.0, "return_token_ids": True}
        return await self._client.ask("/completions", {**body, **fields}, read_all)


def _next(choice: Mapping[str, Any], tokens: Sequence[int]) -> list[float]:
    """Log-likelihoods of tokens that might come next."""
    found = choice["logprobs"]["top_logprobs"][0]
    return [found[f"token_id:{token}"] for token in tokens]


def _last(choice: Mapping[str, Any], tokens: Sequence[int]) -> float:
    """Log-likelihood of the tokens that the prompt ends with."""
    places = choice["prompt_logprobs"][-len(tokens) :]
    return sum(place[str(token)]["logprob"] for place, token in zip(places, tokens, strict=True))


def _ids(tokens: Any) -> list[int]:
    if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
        raise TypeError("token ids must be whole numbers")
    return tokens
