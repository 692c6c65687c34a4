"""The model that fine-tuning starts from: with tokens for new labels, and more reference cells."""

from __future__ import annotations

import logging
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ..examples import Examples, ModelCells
from ..models import (
    MIN_CELLS,
    ModelSpec,
    ReferenceCells,
    add_tokens,
    copy_model,
    label_tokens,
    load,
    resolve,
    with_labels,
    write_reference,
    write_spec,
)
from ..tasks import Annotation, LabelExample
from ._own_labels import model_labels
from ._reference_study import reference_study

if TYPE_CHECKING:
    from ..tasks import Task

logger = logging.getLogger(__name__)

#: Cells of a new label that the starting model reads.
_MAX_CELLS = 50


def with_new_labels(spec: ModelSpec, builders: Sequence[Examples]) -> tuple[ModelSpec, list[str]]:
    """The model with the cell types of the training data that it has no token for, and these types.

    Only for models with one token a gene and a label; others take any label.
    """
    if spec.genes is None:
        return spec, []
    values = sorted({label for one in builders for label in one.cell_types()})
    names = model_labels(spec, values) if values else {}
    known = spec.known(Annotation.name, "labels", ())
    new = [label for label in dict.fromkeys(names.values()) if label not in known]
    label_tokens(spec, new)
    if new:
        logger.warning("new cell types, which the model %r gets tokens for: %s", spec.name, ", ".join(new))
    return with_labels(spec, new) if new else spec, new


def reference_studies(
    spec: ModelSpec, trained: Sequence[tuple[Examples, NDArray[np.bool_]]], new: Sequence[str], seed: int
) -> list[ReferenceCells]:
    """The training cells as reference cells, for a model with a reference classifier.

    ``trained`` are the builders with the cells that are held out.
    """
    if not spec.known(Annotation.name, "in_distribution"):
        return []
    found = []
    for builder, held in trained:
        truth = builder.reference_truth()
        if truth is not None and not held.all():
            labels = truth.copy()
            labels[held] = None
            cells: ModelCells = builder.cells
            found.append(reference_study(cells.adata, labels, cells.spec, cells.sentence_key, seed))
    n = Counter(label for study in found for label in study.labels)
    if found and (few := {label: n[label] for label in new if n[label] < MIN_CELLS}):
        raise ValueError(f"new cell types need at least {MIN_CELLS} training cells, but have {few}")
    return found


def start_model(
    before: ModelSpec,
    spec: ModelSpec,
    new: Sequence[str],
    studies: Sequence[ReferenceCells],
    tokens: Sequence[str],
    folder: Path,
    task: Task,
) -> ModelSpec:
    """The model ``spec`` in a folder, made from the model ``before``; one that lies there is kept.

    The embedding of a new label is the mean of those of the known labels, by the probability that the model ``before``
    gives them on the cells of the label; other new ``tokens`` start at random.
    """
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        copy_model(before, part)
        if before.known(Annotation.name, "in_distribution"):
            write_reference(spec, before, studies, part)
        if new:
            known = list(before.known(Annotation.name, "labels", ()))
            like = [task.template.render("label", label) for label in known]
            shares = _similar(before, known, new, studies, task) if known else None
            add_tokens(part, list(label_tokens(before, new).values()), shares, like)
        if tokens:
            add_tokens(part, tokens)
        write_spec(spec, part)
        try:
            part.replace(folder)
        except OSError:
            if not folder.exists():
                raise
            shutil.rmtree(part)  # another process of this run was faster
    return replace(resolve(folder), name=before.name)


def _similar(
    spec: ModelSpec, known: Sequence[str], new: Sequence[str], studies: Sequence[ReferenceCells], task: Task
) -> NDArray[np.float64]:
    """Mean probability of each known label on cells of each new one, (n_new, n_known)."""
    model = load(spec)
    shares = np.full((len(new), len(known)), 1 / len(known))
    for i, label in enumerate(new):
        cells = [
            tuple(gene for gene in genes if gene in (spec.genes or ()))[: spec.n_genes]
            for study in studies
            for genes, of in zip(study.measured, study.labels, strict=True)
            if of == label
        ][:_MAX_CELLS]
        if cells:
            questions = [task.question(LabelExample(genes=genes, options=tuple(known))) for genes in cells]
            scores = model.score([one.prompt for one in questions], questions[0].completions())
            shares[i] = softmax(scores / spec.temperature, axis=1).mean(0)
    return shares
