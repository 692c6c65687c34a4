"""The folder of a model: its specification, weights and tokenizer."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ._reference_classifier import REFERENCE_FILE
from ._spec import SPEC_FILE, ModelSpec

#: Fields of a model specification that belong to its folder.
_FOLDER_FIELDS = ("name", "source", "revision", "vocabulary")
#: Files of a model's folder that do not belong to a copy with other labels.
_NOT_COPIED = (SPEC_FILE, REFERENCE_FILE, "README.md", "training.json", "run.json", "history.csv")


def write_spec(spec: ModelSpec, folder: Path) -> None:
    """Write the specification of a model into its folder.

    Examples
    --------
    >>> import sc_duality as sd, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sd.models.write_spec(sd.models.resolve("embedded"), pathlib.Path(folder))
    ...     [file.name for file in pathlib.Path(folder).iterdir()]
    ['sc_duality.json']
    """
    usual, content = asdict(ModelSpec("", "")), asdict(spec)
    fields = [name for name in content if name not in _FOLDER_FIELDS]
    kept = {name: content[name] for name in fields if content[name] or content[name] != usual[name]}
    (folder / SPEC_FILE).write_text(json.dumps(kept, indent=1, default=_plain) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as numbers and lists; anything else, such as a path, as text."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def copy_model(spec: ModelSpec, folder: Path) -> None:
    """Copy weights and tokenizer of a model into a folder.

    Examples
    --------
    >>> import sc_duality as sd, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as name:
    ...     sd.models.copy_model(sd.models.resolve("embedded"), Path(name))
    ...     (Path(name) / "model.safetensors").exists()
    True
    """
    for file in sorted(Path(spec.source).iterdir()):
        if file.is_file() and file.name not in _NOT_COPIED:
            shutil.copyfile(file, folder / file.name)
