"""Load a model, and keep the one that was loaded last."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import Any, Literal, get_args

from .._settings import settings
from .._validation import positive_integer
from . import engines
from ._language_model import LanguageModel
from ._resolve import resolve
from ._smollm2 import from_wheel
from ._spec import ModelSpec

Name = Literal["auto", "transformers", "vllm"]

#: The engine that was loaded last, by model and options.
_loaded: dict[str, engines.Engine] = {}
#: Engines of the process that this one was forked from. They are not used, as their threads and devices are not here,
#: nor deleted, as that would end what the other process still uses.
_of_parent: list[engines.Engine] = []
#: Held while a model is loaded: transformers changes the state of the whole process meanwhile.
_lock = RLock()


def _after_fork() -> None:
    """A forked worker shares weights in memory, and opens servers and devices anew."""
    global _lock
    _lock = RLock()
    for key, engine in list(_loaded.items()):
        if engine.name != "transformers":
            _of_parent.append(_loaded.pop(key))
    if _loaded:  # threads of OpenMP are not forked, and torch would wait for them
        import torch

        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def load(
    model: str | Path | ModelSpec | LanguageModel,
    *,
    engine: Name | None = None,
    n_genes: int | None = None,
    **options: Any,
) -> LanguageModel:
    """Load a model.

    The model that was loaded last stays in memory: the same call with the same options returns it at once, unless files
    in the folder of the model, its adapter or ``like`` changed. A forked process opens endpoints anew.

    Parameters
    ----------
    model
        As for :func:`resolve`.
    engine
        ``"transformers"``, ``"vllm"``, or ``"auto"``: vLLM where it is installed and a CUDA GPU is available, except
        for the models inside the package, which are too small to wait for it. ``sd.settings.engine`` by default. Models
        behind a server have an engine of their own.
    n_genes
        Genes of a cell that the model reads; by default what it was trained on, or 100 for a general model.
    options
        For the engine: see :class:`TransformersModel` (``device``, ``dtype``, ...), :class:`VLLMModel` and
        :class:`EndpointModel`.

    Returns
    -------
    A :class:`LanguageModel`; an object that is one already is returned unchanged.

    Raises
    ------
    OSError
        If the hub cannot be reached and the model is not on this machine yet; the message says what to download.
    TypeError
        If the engine has no such option, or if ``model`` is a loaded model and there are options.

    Examples
    --------
    >>> import sc_duality as sd
    >>> model = sd.models.load("embedded")
    >>> model.embed(["<annotate> <cell> CD79A MS4A1 CD37 <type>"]).shape
    (1, 192)
    """
    if isinstance(model, LanguageModel):
        if engine is not None or n_genes is not None or options:
            given = ", ".join(["engine"] * (engine is not None) + ["n_genes"] * (n_genes is not None) + list(options))
            raise TypeError(f"model is loaded already: {given} would change nothing; pass its name or folder instead")
        return model
    spec = from_wheel(resolve(model))
    if n_genes is not None:
        spec = replace(spec, n_genes=positive_integer("n_genes", n_genes))
    if options.get("like") is not None:
        options["like"] = resolve(options["like"])
    engine_class = _engine_class(spec, settings.engine if engine is None else engine)
    folders = [spec.source, options.get("adapter"), getattr(options.get("like"), "source", None)]
    key = repr((engine_class, spec, sorted(options.items()), [_file_states(one) for one in folders if one]))
    with _lock:
        if key not in _loaded:
            unload()
            _loaded[key] = engine_class(spec, **options)
        return _loaded[key]


def unload() -> None:
    """Release the model that :func:`sc_duality.models.load` keeps; its memory is free once nothing else refers to it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.unload()
    """
    _loaded.clear()


def _engine_class(spec: ModelSpec, name: Name) -> type[engines.Engine]:
    """The class that runs this model; looking it up imports the libraries that it needs."""
    if name not in get_args(Name):
        raise ValueError(f"engine={name!r}: pass one of {', '.join(get_args(Name))}")
    if spec.source.startswith(("http://", "https://")):
        return engines.EndpointModel
    if name == "vllm" or (name == "auto" and not spec.packaged and _can_use_vllm()):
        return engines.VLLMModel
    return engines.TransformersModel


def _can_use_vllm() -> bool:
    if find_spec("vllm") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _file_states(folder: str | Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of the files in a folder, if it is one: a changed folder is loaded again."""
    files = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
