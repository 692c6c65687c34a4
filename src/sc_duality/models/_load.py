"""From what a user writes after ``model=`` to a model that answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ._presets import EMBEDDED, HUB
from ._protocol import LanguageModel
from ._spec import SPEC_FILE, ModelSpec


def resolve(model: str | Path | LanguageModel) -> ModelSpec:
    """Say what ``model`` is and how to ask it, without loading it.

    Parameters
    ----------
    model
        A name of :func:`available`, a folder with a model, the name ``owner/model`` of a repository
        on the Hugging Face hub, or an object that is a :class:`LanguageModel` already.

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
    >>> sd.models.resolve("embedded").dialect
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
    presets = {spec.name: spec for spec in HUB}
    if model in presets:
        return presets[str(model)]
    if str(model) and Path(model).is_dir():
        return _read_folder(Path(model))
    if isinstance(model, str) and model.count("/") == 1 and all(model.split("/")) and model[0] not in ".~":
        return ModelSpec(name=model, source=model)
    raise ValueError(
        f"model {str(model)!r} is no folder, no hub repository 'owner/model' and none of "
        f"{['embedded', *presets]}: see sd.models.available()"
    )


def load(
    model: str | Path | ModelSpec | LanguageModel,
    *,
    device: str = "auto",
    dtype: str = "auto",
    trust_remote_code: bool = False,
) -> LanguageModel:
    """Load a model.

    Parameters
    ----------
    model
        As for :func:`resolve`, or what it returned.
    device
        Where to run, such as ``"cpu"``, ``"cuda"`` or ``"mps"``; ``"auto"`` takes a GPU if there is one.
    dtype
        ``"float32"``, ``"bfloat16"`` or ``"float16"``; ``"auto"`` takes bfloat16 where the hardware
        multiplies it (GPUs, and CPUs with AMX), else float32. Log-likelihoods of the two differ by up to
        0.1.
    trust_remote_code
        Whether code from the model's repository may run. Only if you have read it.

    Returns
    -------
    A :class:`LanguageModel`; an object that is one already comes back as it is.

    Raises
    ------
    OSError
        If the hub cannot be reached and the model is not on this machine yet; says what to fetch.

    Examples
    --------
    >>> import sc_duality as sd
    >>> model = sd.models.load("embedded")
    >>> model.embed(["<annotate> <cell> CD79A MS4A1 <type>"]).shape
    (1, 192)
    """
    if isinstance(model, LanguageModel):
        return model
    from ._transformers import TransformersModel

    spec = model if isinstance(model, ModelSpec) else resolve(model)
    return TransformersModel(spec, device=device, dtype=dtype, trust_remote_code=trust_remote_code)


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
