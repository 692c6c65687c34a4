"""Requests for completions, and how to read the responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..._sampling import SamplingParams
from ._client import TransientError


def text_request(prompt: str, sampling: SamplingParams, seed: int, *, chat: bool, vllm: bool) -> dict[str, Any]:
    """Body of the request for a completion of ``prompt``, without the name of the model."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}]} if chat else {"prompt": prompt}
    body |= {"max_tokens": sampling.max_tokens, "temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.temperature > 0:
        body["seed"] = seed
    if vllm:
        # A model's folder may set sampling options; only SamplingParams counts here.
        body |= {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
    if sampling.choices and vllm:
        body["structured_outputs"] = {"choice": list(sampling.choices)}
    elif sampling.choices and chat:
        body["response_format"] = {"type": "json_schema", "json_schema": _schema(sampling.choices)}
    return body


def read_text(answer: Mapping[str, Any], choices: tuple[str, ...]) -> str:
    """The text of a response; with ``choices``, the choice that it names.

    Reasoning that the server took apart stands in ``<think>`` tags before the text.

    Raises
    ------
    TransientError
        If the server did not finish, or the text is not one of the choices.
    LookupError, TypeError
        If the response is malformed.
    """
    choice = answer["choices"][0]
    if choice.get("finish_reason") in ("abort", "error", "content_filter"):  # the text may be a part of the answer
        raise TransientError("aborted", choice["finish_reason"])
    if "message" in choice:
        message = choice["message"]
        text = message["content"] if message.get("content") is not None else message.get("refusal") or ""
        if not choices and isinstance(text, str):
            text = _reasoning(message, finished=bool(text)) + text
    else:
        text = choice["text"]
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, not {type(text).__name__}")
    # A half emoji, which neither the cache nor files could hold.
    text = text.encode("utf-8", "replace").decode()
    return _choice(text, choices) if choices else text


def _reasoning(message: Mapping[str, Any], *, finished: bool) -> str:
    """The reasoning of a message in its tags, left open where no answer follows."""
    found = message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(found, str) or not found.strip():
        return ""
    return f"<think>{found}</think>" if finished else f"<think>{found}"


def _choice(text: str, choices: tuple[str, ...]) -> str:
    """The choice in a text, which is plain or JSON."""
    try:
        answer = json.loads(text)["answer"]
    except (ValueError, TypeError, LookupError, RecursionError):
        answer = text
    matches = [choice for choice in choices if isinstance(answer, str) and choice.strip() == answer.strip()]
    if not matches:
        raise TransientError("not one of the choices", repr(text[:60]))
    return matches[0]


def _schema(choices: tuple[str, ...]) -> dict[str, Any]:
    """JSON schema of an object with one of the choices."""
    answer = {"type": "string", "enum": list(choices)}
    schema = {"type": "object", "properties": {"answer": answer}, "required": ["answer"], "additionalProperties": False}
    return {"name": "answer", "strict": True, "schema": schema}
