"""All that several benchmarks use of sc_duality, in one place.

Calls of tools whose options a benchmark varies stand here once, and so do the package's internals that benchmarks need.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
from numpy.typing import NDArray

import sc_duality as sd
from recipes.embedded.sentences import label_example, sentences
from sc_duality.cells import rebuild_expression
from sc_duality.models import (
    LanguageModel,
    ModelSpec,
    Sampling,
    SamplingParams,
    TransformersModel,
    read_reference_classifier,
)
from sc_duality.rewards import log_likelihood_gain, posterior
from sc_duality.tasks import Annotation, Perturbation, Question

__all__ = [
    "Annotation",
    "LanguageModel",
    "Perturbation",
    "Sampling",
    "SamplingParams",
    "annotate",
    "annotation_questions",
    "annotation_task",
    "drop_reference_classifier",
    "generate",
    "label_set",
    "labels_of",
    "log_likelihood_gain",
    "model_sentences",
    "perturb",
    "posterior",
    "predict_ensemble",
    "predict_language_model",
    "predict_reference_classifier",
    "rebuild_expression",
    "transformers_model",
]

Model = str | Path | LanguageModel


def annotate(cells: ad.AnnData, model: Model, labels: Sequence[str] | None, **options: Any) -> ad.AnnData:
    """A copy of the cells with the columns of ``tl.annotate``."""
    annotated = cells.copy()
    sd.tl.annotate(annotated, model, labels=labels, **options)
    return annotated


def predict_ensemble(cells: ad.AnnData, model: Model, labels: Sequence[str] | None) -> NDArray[np.str_]:
    """Cell types by ``tl.annotate`` without the category "unknown"."""
    return annotate(cells, model, labels, unknown=0).obs["annotation"].to_numpy(str)


def predict_language_model(cells: ad.AnnData, model: str, labels: Sequence[str]) -> NDArray[np.str_]:
    """Cell types by the language model alone."""
    return predict_ensemble(cells, drop_reference_classifier(model), labels)


def drop_reference_classifier(model: str) -> LanguageModel:
    """The model without its reference classifier."""
    return sd.models.load(sd.models.resolve(model).without("annotation", "in_distribution"))


def predict_reference_classifier(cells: ad.AnnData, model: str, labels: Sequence[str]) -> NDArray[np.str_]:
    """Cell types by the reference classifier alone."""
    spec = sd.models.resolve(model)
    classifier = read_reference_classifier(spec, cells.var_names)
    assert classifier is not None, f"{model} has no reference classifier"
    return np.array(labels)[classifier.class_scores(model_sentences(cells, model), labels).argmax(1)]


def spec_of(model: str | LanguageModel) -> ModelSpec:
    """What is known about the model."""
    return sd.models.resolve(model) if isinstance(model, str) else model.spec


def model_sentences(cells: ad.AnnData, model: str | LanguageModel) -> list[list[str]]:
    """Cell sentences as the model's prompt shows them."""
    spec = spec_of(model)
    return sentences(cells, spec.genes, spec.n_genes)


def labels_of(model: str | LanguageModel) -> list[str]:
    """Every label of the model."""
    return list(spec_of(model).known("annotation", "labels"))


def label_set(model: LanguageModel, labels: Iterable[str]) -> list[str]:
    """The model's label set (of a tissue) that contains these labels."""
    wanted = set(labels)
    label_sets = model.spec.known("annotation", "label_sets")
    return sorted(next(each for each in label_sets.values() if wanted <= set(each)))


def annotation_task(model: str | LanguageModel) -> Annotation:
    """The annotation task in the model's prompt format."""
    spec = spec_of(model)
    return Annotation(prompt_format=spec.prompt_format, vocabulary=spec.genes)


def annotation_questions(
    model: str | LanguageModel, cells: Iterable[Sequence[str]], labels: Sequence[str]
) -> tuple[list[Question], list[str]]:
    """The question for the type of each cell, and the completion of each label."""
    task = annotation_task(model)
    questions = [task.question(label_example(genes, labels)) for genes in cells]
    return questions, questions[0].completions()


def transformers_model(model: str | Path, **options: Any) -> TransformersModel:
    """A model of its own for a benchmark, frozen."""
    return TransformersModel(sd.models.resolve(model), **options)


def generate(
    model: Model, counts: dict[str, int], *, tissue: str, seed: int, temperature: float | None = None, best_of: int = 1
) -> ad.AnnData:
    """Generated cells of each type; without a temperature at that of ``tl.generate``."""
    sampling = Sampling(temperature=temperature, n_samples=best_of)
    return sd.tl.generate(counts, model, tissue=tissue, rng=seed, sampling=sampling)


def perturb(
    cells: ad.AnnData, perturbation: Perturbation, model: Model, *, seed: int, temperature: float = 1.0
) -> ad.AnnData:
    """The predicted response of each cell."""
    return sd.tl.perturb(cells, perturbation, model, rng=seed, sampling=Sampling(temperature=temperature))
