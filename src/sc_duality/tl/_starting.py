"""What all trainers check first: from which model, on which tasks, with which cells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models import ModelSpec, resolve
from ..tasks import PromptFormat
from ..train._settings import on_disk
from ._ask import check_task

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def start_of(model: str | Path, tasks: Sequence[str], possible: Collection[str]) -> ModelSpec:
    """The model to go on from, or an error where it cannot be trained or cannot be meant for these tasks."""
    if not isinstance(model, str | Path):
        raise TypeError(f"model must be a name or a folder, whose weights are read anew, not {type(model).__name__}")
    spec = on_disk(resolve(model))
    if spec.source.startswith(("http://", "https://")):
        raise ValueError(f"{spec.name!r} is behind a server: training needs the weights, pass a folder or a hub name")
    if isinstance(tasks, str):
        raise TypeError(f"tasks must be a list, got the string {tasks!r}")
    strange = [task for task in tasks if task not in possible]
    if strange or not tasks or len(set(tasks)) < len(tasks):
        raise ValueError(f"tasks must be some of {', '.join(possible)}, each once, got {list(tasks)}")
    for task in tasks:
        check_task(spec, task)
    return spec


def in_other_words(spec: ModelSpec, prompt_format: str | Path) -> ModelSpec:
    """The model, asked in another prompt format, or an error where it would not understand."""
    if spec.genes is not None:
        raise ValueError(f"wordings= is for general models: {spec.name!r} has one word a gene, and no others")
    return replace(spec, prompt_format=PromptFormat(prompt_format).name)


def several(adatas: Any) -> list[AnnData | MuData]:
    """One object or several as a list."""
    one = hasattr(adatas, "obs") or hasattr(adatas, "mod")
    found = [adatas] if one else list(adatas.values() if hasattr(adatas, "values") else adatas)
    if not found:
        raise ValueError("adatas is empty: pass an AnnData, or a list of them")
    return found
