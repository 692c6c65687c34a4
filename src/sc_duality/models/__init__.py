"""Who answers: one protocol, the engines behind it, and the models that are known by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._cache import clear_cache
from ._engine import Engine, Unanswered
from ._load import load, resolve, unload
from ._presets import available
from ._protocol import LanguageModel, Sampling
from ._spec import ModelSpec

if TYPE_CHECKING:
    from ._endpoint import EndpointModel
    from ._transformers import TransformersModel
    from ._vllm import VLLMModel

__all__ = [
    "EndpointModel",
    "Engine",
    "LanguageModel",
    "ModelSpec",
    "Sampling",
    "TransformersModel",
    "Unanswered",
    "VLLMModel",
    "available",
    "clear_cache",
    "load",
    "resolve",
    "unload",
]
_ENGINES = {"EndpointModel": "_endpoint", "TransformersModel": "_transformers", "VLLMModel": "_vllm"}


def __getattr__(name: str) -> Any:
    """Load an engine, and torch with it, when it is first asked for: wrong input is refused before that."""
    if name in _ENGINES:
        return getattr(import_module(f".{_ENGINES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
