"""Language models: the presets, the engines that run them, and what is known about each model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import engines
from ._label_tokens import add_tokens, format_tokens, label_tokens, with_labels, with_none_of_these
from ._language_model import EngineInfo, LanguageModel, engine_info, live, skip_generate
from ._load import load, unload
from ._model_folder import copy_model, write_spec
from ._new_gene_model import new_gene_model
from ._reference_cells import (
    MIN_CELLS,
    ReferenceCells,
    with_classifier,
    with_reference_labels,
    write_reference,
)
from ._reference_classifier import (
    ReferenceClassifier,
    read_reference_classifier,
    reference_file,
    reference_genes,
    reference_labels,
)
from ._resolve import available, packaged_names, resolve
from ._sampling import Sampling, SamplingParams
from ._sentence_encoder import SentenceEncoder, sentence_encoder
from ._smollm2 import from_wheel
from ._spec import SPEC_FILE, ModelSpec
from ._token_encoder import TokenEncoder, token_encoder
from .engines import Engine, Unanswered, clear_cache

if TYPE_CHECKING:
    from .engines import EndpointModel, TransformersModel, VLLMModel

__all__ = [
    "MIN_CELLS",
    "SPEC_FILE",
    "EndpointModel",
    "Engine",
    "EngineInfo",
    "LanguageModel",
    "ModelSpec",
    "ReferenceCells",
    "ReferenceClassifier",
    "Sampling",
    "SamplingParams",
    "SentenceEncoder",
    "TokenEncoder",
    "TransformersModel",
    "Unanswered",
    "VLLMModel",
    "add_tokens",
    "available",
    "clear_cache",
    "copy_model",
    "engine_info",
    "format_tokens",
    "from_wheel",
    "label_tokens",
    "live",
    "load",
    "new_gene_model",
    "packaged_names",
    "read_reference_classifier",
    "reference_file",
    "reference_genes",
    "reference_labels",
    "resolve",
    "sentence_encoder",
    "skip_generate",
    "token_encoder",
    "unload",
    "with_classifier",
    "with_labels",
    "with_none_of_these",
    "with_reference_labels",
    "write_reference",
    "write_spec",
]


def __getattr__(name: str) -> Any:
    """Import an engine, and torch with it, at first use: invalid input is refused before that."""
    if name in ("EndpointModel", "TransformersModel", "VLLMModel"):
        return getattr(engines, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
