"""What all trainers share: the model to start from, the cells, and the examples of several tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cells import modality
from ..examples import Examples, ModelCells, to_tasks
from ..models import ModelSpec, from_wheel, resolve
from ..tasks import PromptFormat, Task
from ._model import check_task

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: Tasks by name, by name with settings, or as objects.
Tasks = Sequence[str | Task] | Mapping[str, Mapping[str, Any]]


def starting_model(model: str | Path) -> ModelSpec:
    """The model to start from, or an error if it cannot be trained."""
    if not isinstance(model, str | Path):
        raise TypeError(f"model must be a name or a folder, whose weights are read, not {type(model).__name__}")
    spec = from_wheel(resolve(model))
    if spec.source.startswith(("http://", "https://")):
        raise ValueError(f"{spec.name!r} is behind a server: training needs the weights, pass a folder or a hub name")
    return spec


def known_tasks(spec: ModelSpec, tasks: Tasks) -> list[Task]:
    """The tasks, or an error if the model was not trained for one."""
    found = to_tasks(tasks)
    for task in found:
        check_task(spec, task.name)
    return found


def epochs_by_task(epochs: float | Mapping[str, float], tasks: Sequence[Task]) -> dict[str, float]:
    """The number of examples of each task for each cell, from one number or a number for every task."""
    names = [task.name for task in tasks]
    if isinstance(epochs, Mapping) and set(epochs) != set(names):
        raise ValueError(f"num_train_epochs names {', '.join(map(repr, epochs))}, but the tasks are {', '.join(names)}")
    found = {name: epochs[name] if isinstance(epochs, Mapping) else epochs for name in names}
    for name, value in found.items():
        if not 0 < value < float("inf"):
            raise ValueError(f"num_train_epochs must be positive, not {value!r} for {name!r}")
    return found


def as_list(adatas: Any) -> list[AnnData | MuData]:
    """One object or several as a list."""
    single = hasattr(adatas, "obs") or hasattr(adatas, "mod")
    found = [adatas] if single else list(adatas.values() if hasattr(adatas, "values") else adatas)
    if not found:
        raise ValueError("adatas is empty: pass an AnnData, or a list of them")
    return found


def model_cells(
    adatas: Any, spec: ModelSpec, *, mod: str, sentence_key: str, n_genes: int | None, context: Sequence[str]
) -> list[ModelCells]:
    """The cells of each object as the model reads them; sentences are stored."""
    found = [
        ModelCells(modality(one, mod), spec, sentence_key=sentence_key, n_genes=n_genes, context=context)
        for one in as_list(adatas)
    ]
    for cells in found:
        cells.store()
    return found


def in_prompt_format(spec: ModelSpec, prompt_format: str | Path) -> ModelSpec:
    """The model with another prompt format, or an error if its vocabulary does not cover it."""
    if spec.genes is not None:
        raise ValueError(f"prompt_formats= is for general models: {spec.name!r} has one token a gene")
    return replace(spec, prompt_format=PromptFormat(prompt_format).name)


def with_tasks(spec: ModelSpec, examples: Sequence[Examples]) -> ModelSpec:
    """The model with the tasks and the kind of sentences that it was trained on, and what it knows of the tasks."""
    tasks, knows = None if spec.tasks is None else list(spec.tasks), dict(spec.knows)
    for one in examples:
        name = one.task.name
        if tasks is not None and name not in tasks:
            tasks.append(name)
        if one.extends_knowledge or (spec.tasks is not None and name not in spec.tasks):
            knows[name] = _united(knows.get(name, {}), one.knowledge())
    cells = examples[0].cells
    return replace(spec, tasks=tasks, knows=knows, n_genes=cells.n_genes, exclude=cells.exclude)


def _united(before: Any, new: Any) -> Any:
    """Both together: mappings by key, lists without repeats, the newer value of anything else."""
    if isinstance(before, Mapping) and isinstance(new, Mapping):
        return {**before, **{key: _united(before.get(key), value) for key, value in new.items()}}
    if isinstance(before, list) and isinstance(new, list):
        return [*before, *(value for value in new if value not in before)]
    return new
