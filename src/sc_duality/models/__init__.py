"""Who answers: one protocol, the engines behind it, and the models that are known by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._load import load, resolve
from ._presets import available
from ._protocol import LanguageModel, Sampling
from ._spec import ModelSpec

if TYPE_CHECKING:
    from ._transformers import TransformersModel

__all__ = ["LanguageModel", "ModelSpec", "Sampling", "TransformersModel", "available", "load", "resolve"]


def __getattr__(name: str) -> Any:
    """Load the engine, and torch with it, when it is first asked for: wrong input is refused before that."""
    if name == "TransformersModel":
        from ._transformers import TransformersModel

        return TransformersModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
