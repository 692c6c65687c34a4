"""The examples of SFT: of several tasks, from several objects, for training and for evaluation."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..examples import CellsOfNoType, Examples, ModelCells, augment_between_studies, build, sample_examples
from ..models import ModelSpec
from ..tasks import Annotation, Task, TrainingExample

logger = logging.getLogger(__name__)

#: Held-out examples of each task and object, at most.
_N_HELD_OUT = 100


class SftExamples(NamedTuple):
    """What a model is trained on, and evaluated on."""

    training: list[TrainingExample]
    evaluation: list[TrainingExample]
    #: The builders, one a task and object, with the cells that are held out.
    builders: list[tuple[Examples, NDArray[np.bool_]]]


def trained_on(tasks: Sequence[Task], objects: Sequence[ModelCells]) -> list[list[Task]]:
    """The tasks of each object: those whose ``obs`` column it has; all objects where none has it, for the error."""
    found: list[list[Task]] = [[] for _ in objects]
    for task in tasks:
        has = [_has_column(build(task, cells)) for cells in objects]
        for of_object, one in zip(found, has, strict=True):
            if one or not any(has):
                of_object.append(task)
        if any(has) and not all(has):
            without, column = np.flatnonzero(np.logical_not(has)).tolist(), build(task, objects[0]).truth_column
            logger.warning("%r is not trained on the objects %s, without obs[%r]", task.name, without, column)
    return found


def _has_column(builder: Examples) -> bool:
    column = builder.truth_column
    return column is None or column in builder.cells.adata.obs


def sft_examples(
    objects: Sequence[ModelCells],
    tasks: Sequence[Sequence[Task]],
    held_out: Sequence[NDArray[np.bool_]],
    specs: Sequence[ModelSpec],
    epochs: Mapping[str, float],
    *,
    augment: bool | str,
    unknown_share: float,
    dual_share: float,
    rng: np.random.Generator,
) -> SftExamples:
    """Sample the examples of each object's ``tasks``, in the prompt format of each of ``specs``.

    ``unknown_share`` is the share of cells of none of the types among the examples of annotation, ``dual_share`` that
    of examples with their dual.
    """
    types = [
        next((truth for task in of_object if (truth := build(task, cells).reference_truth()) is not None), None)
        for cells, of_object in zip(objects, tasks, strict=True)
    ]
    training_cells = [~held for held in held_out]
    if augment == "studies":
        augment_between_studies(objects, types, training_cells)
    found = SftExamples([], [], [])
    for cells, of_object, held in zip(objects, tasks, held_out, strict=True):
        for task in of_object:
            builder = build(task, cells)
            found.builders.append((builder, held))
            if not builder.of_cells and cells is not objects[0]:
                continue
            augmented = bool(augment) and builder.augmentable
            if not held.all():
                for spec in specs:
                    own = build(task, cells.for_model(spec))
                    pool = own.labelled(~held)
                    if len(pool.rows) == 0:
                        raise ValueError(
                            f"held_out= leaves no example of {task.name!r} in {len(cells)} cells: hold fewer out"
                        )
                    n = max(1, round(epochs[task.name] * len(pool.rows) / len(specs)))
                    found.training.extend(sample_examples(cells, pool, n, rng, augment=augmented))
            if held.any():
                pool = builder.labelled(held)
                n = min(_N_HELD_OUT, len(pool.rows))
                found.evaluation.extend(sample_examples(cells, pool, n, rng, augment=False))
    if dual_share < 1:
        found.training[:] = [one._replace(with_dual=bool(rng.random() < dual_share)) for one in found.training]
    if unknown_share:
        found.training.extend(_of_no_type(found, objects, types, training_cells, unknown_share, rng))
    return found


def _of_no_type(
    found: SftExamples,
    objects: Sequence[ModelCells],
    types: Sequence[NDArray[Any] | None],
    training: Sequence[NDArray[np.bool_]],
    share: float,
    rng: np.random.Generator,
) -> list[TrainingExample]:
    """Cells of none of the types, as many as make this share of those that get a type."""
    answer = objects[0].spec.known(Annotation.name, "none_of_these")
    builder = next((one for one, _ in found.builders if one.reference_truth() is not None), None)
    if builder is None:
        raise ValueError("unknown_share= is for annotation, which is not among the tasks: leave it out")
    n = sum(one.task.name == builder.task.name for one in found.training)
    drawn = CellsOfNoType(objects, types, training).sentences(round(n * share / (1 - share)), rng)
    return [builder.of_no_type(genes, answer) for genes in drawn]
