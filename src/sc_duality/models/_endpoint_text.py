"""Requests for text, and how their answers are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ._endpoint_client import PassingError
from ._protocol import Sampling


def text_request(prompt: str, sampling: Sampling, seed: int, *, chat: bool, vllm: bool) -> dict[str, Any]:
    """What asks a server to continue ``prompt``, but for the name of the model."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}]} if chat else {"prompt": prompt}
    body |= {"max_tokens": sampling.max_tokens, "temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.temperature > 0:
        body["seed"] = seed
    if vllm:
        # A model's folder may ask for other draws; how text is drawn is decided by Sampling alone.
        body |= {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
    if sampling.choices and vllm:
        body["structured_outputs"] = {"choice": list(sampling.choices)}
    elif sampling.choices and chat:
        body["response_format"] = {"type": "json_schema", "json_schema": _schema(sampling.choices)}
    return body


def read_text(answer: Mapping[str, Any], choices: tuple[str, ...]) -> str:
    """The text of an answer; with ``choices``, the one that it is.

    Raises
    ------
    PassingError
        If the server did not finish, or wrote none of the choices.
    LookupError, TypeError
        If it is no answer.
    """
    choice = answer["choices"][0]
    if choice.get("finish_reason") in ("abort", "error"):
        raise PassingError("broken off")
    if "message" in choice:
        message = choice["message"]
        text = message["content"] if message.get("content") is not None else message.get("refusal") or ""
    else:
        text = choice["text"]
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, not {type(text).__name__}")
    return _choice(text, choices) if choices else text


def _choice(text: str, choices: tuple[str, ...]) -> str:
    """Which of the choices was written, plainly or as JSON."""
    try:
        written = json.loads(text)["answer"]
    except (ValueError, TypeError, LookupError):
        written = text
    same = [choice for choice in choices if isinstance(written, str) and choice.strip() == written.strip()]
    if not same:
        raise PassingError("none of the choices", repr(text[:60]))
    return same[0]


def _schema(choices: tuple[str, ...]) -> dict[str, Any]:
    """A JSON object that holds one of the choices."""
    answer = {"type": "string", "enum": list(choices)}
    schema = {"type": "object", "properties": {"answer": answer}, "required": ["answer"], "additionalProperties": False}
    return {"name": "answer", "strict": True, "schema": schema}
