"""The engines that run models, and the parts of them that trainers share."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._answer_cache import clear_cache
from ._answer_values import Finished, Unanswered
from ._engine import Engine
from ._progress_bar import tool_bar

if TYPE_CHECKING:
    from ._hardware import multiplies_bfloat16
    from ._tokens import Tokens
    from .endpoint._endpoint_engine import EndpointModel
    from .transformers._last_logits import last_logits
    from .transformers._openmp import one_level
    from .transformers._seeded_sampler import SeededSampler
    from .transformers._transformers_engine import TransformersModel
    from .vllm._vllm_engine import VLLMModel

__all__ = [
    "EndpointModel",
    "Engine",
    "Finished",
    "SeededSampler",
    "Tokens",
    "TransformersModel",
    "Unanswered",
    "VLLMModel",
    "clear_cache",
    "last_logits",
    "multiplies_bfloat16",
    "one_level",
    "tool_bar",
]
#: Where the names lie whose import loads torch, transformers, vLLM or openai.
_HEAVY = {
    "EndpointModel": "endpoint._endpoint_engine",
    "SeededSampler": "transformers._seeded_sampler",
    "Tokens": "_tokens",
    "TransformersModel": "transformers._transformers_engine",
    "VLLMModel": "vllm._vllm_engine",
    "last_logits": "transformers._last_logits",
    "multiplies_bfloat16": "_hardware",
    "one_level": "transformers._openmp",
}


def __getattr__(name: str) -> Any:
    """Import a heavy library at first use."""
    if name in _HEAVY:
        return getattr(import_module(f".{_HEAVY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
