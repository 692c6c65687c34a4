"""Temperatures and thresholds of a model, calibrated on validation donors."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

import sc_duality as sd
from recipes.embedded.folds import Fold, is_validation, studies, tissue_of
from recipes.embedded.sentences import label_example, sentences
from recipes.embedded.training_examples import ANNOTATION, NONE, training_example
from sc_duality.models import SPEC_FILE, LanguageModel, ModelSpec, ReferenceClassifier, read_reference_classifier

#: Most cells of a study for the primal task and for the dual task.
MAX_CELLS, MAX_DUAL_CELLS = 300, 40
#: Largest share of the cells of a study that become unknown, and that have an in-distribution probability below 0.5;
#: slope of the logistic curve of that probability.
MAX_UNKNOWN, MAX_OUTLIERS, SLOPE = 0.1, 0.05, 30.0


#: Probabilities of cells, (n, n_labels), and the true column of each row.
Table = tuple[NDArray[np.float64], NDArray[np.int64]]


class ScoredCells(NamedTuple):
    """Validation cells of a study with log-likelihoods and true labels."""

    genes: list[list[str]]
    #: All genes that the study measured.
    measured: Sequence[str]
    #: (n, n_labels + 1), the last column for none of the labels.
    scores: NDArray[np.float64]
    #: (n,), column of the true label.
    truth: NDArray[np.int64]


def calibrate(folder: Path, fold: Fold, seed: int, with_dual: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Accuracy by study on the validation donors, and the calibration for the model's spec."""
    engine = sd.models.load(folder)
    labels, label_sets = (engine.spec.known("annotation", name) for name in ("labels", "label_sets"))
    rng = np.random.default_rng(seed)
    accuracy: dict[str, Any] = {}
    scored, dual = [], []
    for name, cells in studies(fold).items():
        chosen = cells[rng.permutation(np.flatnonzero(is_validation(cells)))[:MAX_CELLS]]
        if chosen.n_obs == 0:
            continue
        accuracy[name] = {"n": chosen.n_obs}
        truth = chosen.obs["label"].to_numpy(str)
        genes = sentences(chosen, engine.spec.genes, engine.spec.n_genes)
        questions = [ANNOTATION.question(label_example(each, labels)) for each in genes]
        scores = engine.score([each.prompt for each in questions], [*questions[0].completions(), NONE])
        scored.append(
            ScoredCells(genes, list(chosen.var_names), scores, np.array([labels.index(label) for label in truth]))
        )
        if not with_dual:
            continue
        of_tissue = label_sets[tissue_of(name)]
        likelihoods = np.stack([cell_log_likelihood(engine, genes[:MAX_DUAL_CELLS], label) for label in of_tissue], 1)
        dual.append((likelihoods, np.array([of_tissue.index(label) for label in truth[:MAX_DUAL_CELLS]])))
        accuracy[name]["accuracy of the dual (types of the tissue)"] = table_accuracy(*dual[-1])
    temperature = best_temperature(lambda t: [(softmax(each.scores / t, axis=1), each.truth) for each in scored])
    with_reference, tables = calibrate_reference_classifier(replace(engine.spec, temperature=temperature), scored)
    for of_study, table in zip(accuracy.values(), tables, strict=True):
        of_study["accuracy"] = table_accuracy(*table)
    calibration = {"temperature": temperature, "knows": {"annotation": with_reference}}
    if with_dual:
        calibration["dual_temperature"] = best_temperature(
            lambda t: [(softmax(table / t, axis=1), truth) for table, truth in dual]
        )
    return accuracy, calibration


def calibration_of(folder: Path) -> dict[str, Any]:
    """The calibration in the spec of the model in ``folder``."""
    spec = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
    of_annotation = {name: spec["knows"]["annotation"][name] for name in ("in_distribution", "unknown")}
    return {
        **{name: spec[name] for name in ("temperature", "dual_temperature") if name in spec},
        "knows": {"annotation": of_annotation},
    }


def calibrate_reference_classifier(spec: ModelSpec, scored: list[ScoredCells]) -> tuple[dict[str, Any], list[Table]]:
    """The calibration of the reference classifier and of ``unknown``, and the ensemble's probabilities.

    Its temperature minimises the log-loss of the ensemble. ``unknown`` is the quantile ``MAX_UNKNOWN`` of confidence
    times in-distribution probability in the study with the lowest one.
    """
    curve = {"midpoint": 0.0, "slope": SLOPE, "temperature": 1.0}
    annotation = {**spec.knows["annotation"], "in_distribution": curve}
    uncalibrated = replace(spec, knows={**spec.knows, "annotation": annotation})
    labels = annotation["labels"]
    references = [fitted_classifier(uncalibrated, each.measured) for each in scored]
    pairs = list(zip(references, scored, strict=True))
    similarity = [np.array([reference.similarity(genes) for genes in each.genes]) for reference, each in pairs]
    midpoint = round(min(float(np.quantile(each, MAX_OUTLIERS)) for each in similarity), 3)
    language_model = [softmax(each.scores / spec.temperature, axis=1)[:, : len(labels)] for each in scored]

    def tables(temperature: float) -> list[Table]:
        return [
            (reference._replace(temperature=temperature).ensemble_probabilities(model, each.genes, labels), each.truth)
            for (reference, each), model in zip(pairs, language_model, strict=True)
        ]

    temperature = best_temperature(tables)
    ensemble = tables(temperature)
    confidence = [
        table.max(1) * expit(SLOPE * (each - midpoint)) for (table, _), each in zip(ensemble, similarity, strict=True)
    ]
    unknown = round(min(float(np.quantile(each, MAX_UNKNOWN)) for each in confidence), 3)
    in_distribution = {"midpoint": midpoint, "slope": SLOPE, "temperature": temperature}
    return {"in_distribution": in_distribution, "unknown": unknown}, ensemble


def fitted_classifier(spec: ModelSpec, measured: Sequence[str]) -> ReferenceClassifier:
    """The reference classifier of the model, which has one."""
    classifier = read_reference_classifier(spec, measured)
    assert classifier is not None
    return classifier


def cell_log_likelihood(engine: LanguageModel, cells: list[list[str]], label: str) -> NDArray[np.float64]:
    """Log-likelihood of each cell given ``label`` alone: the dual task with all genes hidden."""
    examples = [label_example(genes, [label], hidden_fraction=1.0, label_only=True) for genes in cells]
    texts = [training_example(ANNOTATION.dual(example, label)) for example in examples]
    return engine.likelihood([text.prompt for text in texts], [text.completion for text in texts])


def table_accuracy(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return round(float((scores.argmax(1) == truth).mean()), 4)


def best_temperature(at: Callable[[float], list[Table]]) -> float:
    """The temperature with the lowest log-loss; ``at`` gives the tables at a temperature."""

    def log_loss(temperature: float) -> float:
        rows = [table[np.arange(len(truth)), truth] for table, truth in at(temperature)]
        return -float(np.log(np.maximum(np.concatenate(rows), np.finfo(float).tiny)).mean())

    return round(float(min(np.geomspace(0.3, 20, 120), key=log_loss)), 3)
