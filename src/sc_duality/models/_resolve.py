"""From the value of ``model=`` to a specification, without loading weights."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd

from ._language_model import LanguageModel
from ._presets import HUB, PACKAGED
from ._spec import SPEC_FILE, ModelSpec

#: Prefix of a model behind a server, and prefixes of servers with a fixed address.
_ENDPOINT = "endpoint:"
_SERVERS = {"ollama:": "http://localhost:11434/v1", "openai:": "https://api.openai.com/v1"}
#: Files that a model's folder must have, and what to say where one is missing.
_REQUIRED = {
    "config.json": "a config.json",
    "*.safetensors": "weights as *.safetensors (other formats are not loaded)",
    "tokenizer*.json": "a tokenizer",
}


def resolve(model: str | Path | ModelSpec | LanguageModel) -> ModelSpec:
    """Look up the specification of a model without loading it.

    Parameters
    ----------
    model
        A name of :func:`available`; a folder with a model; a repository on the Hugging Face hub,
        ``owner/model``, or ``owner/model@revision`` for a fixed commit; ``endpoint:`` and the address of a
        server, such as ``endpoint:http://localhost:8000/v1``, with ``#name`` if it serves several models;
        ``ollama:name`` for a model of Ollama on this machine, ``openai:name`` for one of OpenAI; a
        :class:`ModelSpec`; or a :class:`LanguageModel`.

    Returns
    -------
    Its :class:`ModelSpec`.

    Raises
    ------
    ValueError
        It is not one of these.
    FileNotFoundError
        If a file is missing in the folder; the message names it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.resolve("embedded").prompt_format
    'compact'
    """
    if isinstance(model, ModelSpec):
        return model
    if isinstance(model, LanguageModel):
        return model.spec
    if not isinstance(model, str | Path):
        raise TypeError(
            f"model must be a name, a folder or an object with spec, generate, score, likelihood and embed, "
            f"not {type(model).__name__}"
        )
    if model in PACKAGED:
        return replace(_read_folder(PACKAGED[str(model)]), name=str(model))
    if str(model).startswith((_ENDPOINT, "http://", "https://", *_SERVERS)):
        return _endpoint_spec(str(model))
    presets = {spec.name: spec for spec in HUB}
    if model in presets:
        return presets[str(model)]
    if str(model) and Path(model).is_dir():
        return _read_folder(Path(model))
    if isinstance(model, str) and model.count("/") == 1 and all(model.split("/")) and model[0] not in ".~":
        source, _, revision = model.partition("@")
        return ModelSpec(name=model, source=source, revision=revision or None)
    raise ValueError(
        f"model={str(model)!r} is neither a folder, nor a hub repository 'owner/model', nor one of "
        f"{[*PACKAGED, *presets]}: see sd.models.available(). A model behind a server is 'endpoint:http://host:8000/v1',"
        f" 'ollama:{model}' or 'openai:{model}'"
    )


def packaged_names() -> list[str]:
    """Names of the models inside the package, the default of most tools first.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.packaged_names()
    ['embedded', 'embedded-response']
    """
    return list(PACKAGED)


def available() -> pd.DataFrame:
    """List the models that ``model=`` takes by name.

    A folder, the name of a repository on the Hugging Face hub, or any object with the members of
    :class:`LanguageModel` works as well.

    Returns
    -------
    One row per model, indexed by ``name``: ``parameters``, ``license``, ``tasks``, ``labels`` (number of cell types
    that the model was trained on; 0 for models that choose from any list), ``genes`` (length of the cell sentences
    in its prompts), ``prompt_format``, ``source``, ``revision`` and ``note``.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.available().loc["embedded", "tasks"]
    'annotation, generation, response, sensitivity'
    """
    rows = [
        {
            "name": spec.name,
            "parameters": spec.n_parameters,
            "license": spec.license,
            "tasks": "any" if spec.tasks is None else ", ".join(spec.tasks),
            "labels": len(spec.known("annotation", "labels", ())),
            "genes": spec.n_genes,
            "prompt_format": spec.prompt_format,
            "source": "inside the package" if spec.packaged else spec.source,
            "revision": spec.revision or "",
            "note": spec.note,
        }
        for spec in [*map(resolve, PACKAGED), *HUB]
    ]
    return pd.DataFrame(rows).set_index("name")


def _endpoint_spec(model: str) -> ModelSpec:
    source = model.removeprefix(_ENDPOINT)
    for prefix, address in _SERVERS.items():
        if source.startswith(prefix):
            source = f"{address}#{source.removeprefix(prefix)}"
    addresses = source.partition("#")[0].split(",")
    if not all(address.startswith(("http://", "https://")) for address in addresses):
        raise ValueError(
            f"model={model!r} has no valid address: write endpoint:http://host:8000/v1, and #name for one of several "
            "models"
        )
    return ModelSpec(name=model, source=source)


def _read_folder(folder: Path) -> ModelSpec:
    for pattern, what in _REQUIRED.items():
        if not any(folder.glob(pattern)):
            raise FileNotFoundError(f"the model folder {folder} has no {pattern}: it needs {what}")
    file = folder / SPEC_FILE
    content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    allowed = {field.name for field in fields(ModelSpec)} - {"name", "source"}
    if unexpected := sorted(content.keys() - allowed):
        raise ValueError(f"{file} has unknown fields {unexpected}: see sd.models.ModelSpec for the fields of a model")
    return ModelSpec(name=folder.name, source=str(folder), **content)
