"""Load encoders of texts in transformers: from a folder, an installed package, or the hub."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .._settings import settings
from ._spec import ModelSpec


def load_encoder(name: str, repository: str, package: str, folder: str | Path | None) -> tuple[Any, Any]:
    """Tokenizer and model of an encoder: from ``folder``, else from ``package`` if it is in one, else from the hub."""
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(f"the folder {str(folder)!r} of the encoder {name!r} does not exist")
    source = str(folder) if folder is not None else _packaged(package) if package else repository
    from transformers import AutoModel, AutoTokenizer

    from .engines._hub import source_options
    from .engines.transformers._loading_bar import loading_bar

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


def _packaged(package: str) -> str:
    """The folder of the model in an installed package, which is not imported."""
    found = find_spec(package.replace("-", "_"))
    folders = [Path(folder) / "model" for folder in (found.submodule_search_locations or ())] if found else []
    folder = next((one for one in folders if one.is_dir()), None)
    if folder is None:
        raise ImportError(f"the encoder {package!r} is not installed: pip install {package}")
    return str(folder)
