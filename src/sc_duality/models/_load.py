"""From what a user writes after ``model=`` to a model that answers."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from .._settings import settings
from ._engine import Engine
from ._presets import EMBEDDED, HUB
from ._protocol import LanguageModel
from ._smollm2 import from_wheel
from ._spec import SPEC_FILE, ModelSpec

Name = Literal["auto", "transformers", "vllm"]

#: What a model behind a server begins with, after ``model=``.
_ENDPOINT = "endpoint:"


def resolve(model: str | Path | LanguageModel) -> ModelSpec:
    """Say what ``model`` is and how to ask it, without loading it.

    Parameters
    ----------
    model
        A name of :func:`available`; a folder with a model; a repository on the Hugging Face hub,
        ``owner/model``, or ``owner/model@revision`` to hold on to a commit; ``endpoint:`` and the address of a
        server, such as ``endpoint:http://localhost:8000/v1``, with ``#name`` if it serves several models; or an
        object that is a :class:`LanguageModel` already.

    Returns
    -------
    Its :class:`ModelSpec`.

    Raises
    ------
    ValueError
        If it is none of these.
    FileNotFoundError
        If the folder lacks something that a model needs; says what.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.resolve("embedded").prompt_format
    'compact'
    """
    if isinstance(model, LanguageModel):
        return model.spec
    if not isinstance(model, str | Path):
        raise TypeError(
            f"model must be a name, a folder or an object with spec, generate, score, likelihood and embed, "
            f"not {type(model).__name__}"
        )
    if model == "embedded":
        return replace(_read_folder(EMBEDDED), name="embedded")
    if str(model).startswith(_ENDPOINT):
        return _behind_server(str(model))
    presets = {spec.name: spec for spec in HUB}
    if model in presets:
        return presets[str(model)]
    if str(model) and Path(model).is_dir():
        return _read_folder(Path(model))
    if isinstance(model, str) and model.count("/") == 1 and all(model.split("/")) and model[0] not in ".~":
        source, _, revision = model.partition("@")
        return ModelSpec(name=model, source=source, revision=revision or None)
    raise ValueError(
        f"model {str(model)!r} is no folder, no hub repository 'owner/model' and none of "
        f"{['embedded', *presets]}: see sd.models.available()"
    )


def load(model: str | Path | ModelSpec | LanguageModel, *, engine: Name | None = None, **options: Any) -> LanguageModel:
    """Load a model.

    The model that was loaded last is kept: asked for again with the same options, it is there at once.

    Parameters
    ----------
    model
        As for :func:`resolve`, or what it returned.
    engine
        ``"transformers"``, ``"vllm"``, or ``"auto"``: vLLM where it and a CUDA GPU are there, but for the model
        inside this package, which is too small to wait for it. ``sd.settings.engine`` by default. Models behind a
        server have an engine of their own.
    options
        For the engine: see :class:`TransformersModel` (``device``, ``dtype``, ...), :class:`VLLMModel` and
        :class:`EndpointModel`.

    Returns
    -------
    A :class:`LanguageModel`; an object that is one already comes back as it is.

    Raises
    ------
    OSError
        If the hub cannot be reached and the model is not on this machine yet; says what to fetch.
    TypeError
        If the engine has no such option, or ``model`` is an object and there are options.

    Examples
    --------
    >>> import sc_duality as sd
    >>> model = sd.models.load("embedded")
    >>> model.embed(["<annotate> <cell> CD79A MS4A1 <type>"]).shape
    (1, 192)
    """
    if isinstance(model, LanguageModel):
        if engine is not None or options:
            given = ", ".join(["engine"] * (engine is not None) + list(options))
            raise TypeError(f"model is loaded already: {given} would change nothing; pass its name or folder instead")
        return model
    spec = from_wheel(model if isinstance(model, ModelSpec) else resolve(model))
    chosen = _engine(spec, settings.engine if engine is None else engine)
    asked = repr((chosen, spec, sorted(options.items()), _files(spec)))
    if asked not in _kept:
        unload()
        _kept[asked] = chosen(spec, **options)
    return _kept[asked]


def unload() -> None:
    """Let go of the model that :func:`sc_duality.models.load` keeps; its memory is free once nothing else holds it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.unload()
    """
    _kept.clear()


#: The engine that was loaded last, by what was asked for.
_kept: dict[str, Engine] = {}


def _engine(spec: ModelSpec, name: Name) -> type[Engine]:
    """The class that runs this model; each brings libraries that only it needs."""
    if name not in get_args(Name):
        raise ValueError(f"engine must be one of {', '.join(get_args(Name))}, not {name!r}")
    if spec.source.startswith(("http://", "https://")):
        from ._endpoint import EndpointModel

        return EndpointModel
    if name == "vllm" or (name == "auto" and spec.name != "embedded" and _vllm_is_there()):
        from ._vllm import VLLMModel

        return VLLMModel
    from ._transformers import TransformersModel

    return TransformersModel


def _vllm_is_there() -> bool:
    if find_spec("vllm") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _behind_server(model: str) -> ModelSpec:
    source = model.removeprefix(_ENDPOINT)
    addresses = source.partition("#")[0].split(",")
    if not all(address.startswith(("http://", "https://")) for address in addresses):
        raise ValueError(
            f"{model!r} names no address: write endpoint:http://host:8000/v1, and #name for one model of many"
        )
    return ModelSpec(name=model, source=source)


def _files(spec: ModelSpec) -> list[tuple[str, int, int]]:
    """What tells whether a folder has changed."""
    found = sorted(Path(spec.source).iterdir()) if Path(spec.source).is_dir() else []
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in found]


def _read_folder(folder: Path) -> ModelSpec:
    for pattern, what in (
        ("config.json", "a config.json"),
        ("*.safetensors", "weights as *.safetensors (other formats are not loaded)"),
        ("tokenizer*.json", "a tokenizer"),
    ):
        if not any(folder.glob(pattern)):
            raise FileNotFoundError(f"the model folder {folder} has no {pattern}: it needs {what}")
    spec = folder / SPEC_FILE
    known = json.loads(spec.read_text(encoding="utf-8")) if spec.is_file() else {}
    return ModelSpec(name=folder.name, source=str(folder), **known)
