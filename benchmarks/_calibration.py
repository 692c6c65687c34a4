"""What follows for a model's confidence from donors whose labels it was not trained on."""

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
from benchmarks._folds import Fold, is_validation, studies, tissue_of
from benchmarks._recipe import ANNOTATION, FROM_LABEL, NONE
from benchmarks._sentences import sentences
from sc_duality.models import SPEC_FILE, LanguageModel, ModelSpec, read_reference_classifier
from sc_duality.tasks import annotation_example

#: Cells of a study at most, and those by which the dual is judged.
CELLS, JUDGED = 300, 40
#: Share of the known cells of a study that come out as unknown, and that are more likely unlike all of the reference
#: than not, at most; how steep that curve is.
REJECTED, UNLIKE, SLOPE = 0.1, 0.05, 30.0


#: Probabilities of cells, (n, n_labels), and the true column of each row.
Table = tuple[NDArray[np.float64], NDArray[np.int64]]


class Judged(NamedTuple):
    """Known cells of a study, what a model says of them, and what they are."""

    genes: list[list[str]]
    #: All genes that the study measured.
    measured: Sequence[str]
    #: (n, n_labels + 1), the last one for none of the labels.
    scores: NDArray[np.float64]
    #: (n,): column of the true label.
    truth: NDArray[np.int64]


def calibrate(folder: Path, fold: Fold, seed: int, with_dual: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Accuracy by study on the validation donors, and what of the model's spec follows from them."""
    engine = sd.models.load(folder)
    labels, words = list(engine.spec.known("annotation", "labels")), engine.spec.genes or frozenset()
    rng = np.random.default_rng(seed)
    accuracy: dict[str, Any] = {}
    judged, dual = [], []
    for name, cells in studies(fold).items():
        chosen = cells[rng.permutation(np.flatnonzero(is_validation(cells)))[:CELLS]]
        if chosen.n_obs == 0:
            continue
        accuracy[name] = {"n": chosen.n_obs}
        truth = chosen.obs["label"].to_numpy(str)
        genes = sentences(chosen, words, engine.spec.n_genes)
        prompts = [ANNOTATION.prompt(annotation_example(each, labels)) for each in genes]
        scores = engine.score(prompts, [ANNOTATION.answer(label) for label in (*labels, NONE)])
        judged.append(Judged(genes, list(chosen.var_names), scores, np.array([labels.index(label) for label in truth])))
        if not with_dual:
            continue
        of_tissue = engine.spec.known("annotation", "label_sets")[tissue_of(name)]
        likelihoods = np.stack([whole_cell(engine, genes[:JUDGED], label) for label in of_tissue], 1)
        dual.append((likelihoods, np.array([of_tissue.index(label) for label in truth[:JUDGED]])))
        accuracy[name]["accuracy of the dual (types of the tissue)"] = share_right(*dual[-1])
    alone = best_temperature(lambda t: [(softmax(each.scores / t, axis=1), each.truth) for each in judged])
    with_reference, tables = together(replace(engine.spec, temperature=alone), judged)
    for known, table in zip(accuracy.values(), tables, strict=True):
        known["accuracy"] = share_right(*table)
    calibration = {"temperature": alone, **with_reference}
    if with_dual:
        calibration["dual_temperature"] = best_temperature(
            lambda t: [(softmax(table / t, axis=1), truth) for table, truth in dual]
        )
    return accuracy, calibration


def of(folder: Path) -> dict[str, Any]:
    """What ``calibrate`` wrote into a model's spec."""
    spec = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
    known = spec | spec["knows"]["annotation"]
    return {
        name: known[name] for name in ("temperature", "in_distribution", "unknown", "dual_temperature") if name in known
    }


def with_calibration(spec: dict[str, Any], calibration: dict[str, Any]) -> dict[str, Any]:
    """The fields of a model's spec with what ``calibrate`` found."""
    of_annotation = {name: calibration[name] for name in ("in_distribution", "unknown")}
    of_model = {name: value for name, value in calibration.items() if name not in of_annotation}
    known = {**spec["knows"], "annotation": {**spec["knows"]["annotation"], **of_annotation}}
    return {**spec, "knows": known, **of_model}


def together(spec: ModelSpec, judged: list[Judged]) -> tuple[dict[str, Any], list[Table]]:
    """What follows for ``in_distribution`` and ``unknown`` where the reference has its say, and the probabilities then.

    The model is as sure by itself as it is right; the reference is made so sure that both together are. Below
    ``unknown`` lie the answers to ``REJECTED`` of the cells of the study that is worst off.
    """
    labels = spec.known("annotation", "labels")
    uncalibrated = {"midpoint": 0.0, "slope": SLOPE, "temperature": 1.0}
    known = {**spec.knows, "annotation": {**spec.knows["annotation"], "in_distribution": uncalibrated}}
    references = [read_reference_classifier(replace(spec, knows=known), each.measured) for each in judged]
    asked = list(zip(references, judged, strict=True))
    alike = [np.array([reference.similarity(genes) for genes in each.genes]) for reference, each in asked]
    midpoint = round(min(float(np.quantile(each, UNLIKE)) for each in alike), 3)
    said = [softmax(each.scores / spec.temperature, axis=1)[:, : len(labels)] for each in judged]

    def tables(temperature: float) -> list[Table]:
        return [
            (reference._replace(temperature=temperature).ensemble_probabilities(model, each.genes, labels), each.truth)
            for (reference, each), model in zip(asked, said, strict=True)
        ]

    temperature = best_temperature(tables)
    found = tables(temperature)
    sure = [table.max(1) * expit(SLOPE * (each - midpoint)) for (table, _), each in zip(found, alike, strict=True)]
    unknown = round(min(float(np.quantile(each, REJECTED)) for each in sure), 3)
    in_distribution = {"midpoint": midpoint, "slope": SLOPE, "temperature": temperature}
    return {"in_distribution": in_distribution, "unknown": unknown}, found


def whole_cell(engine: LanguageModel, cells: list[list[str]], label: str) -> NDArray[np.float64]:
    """Log-likelihood of each cell, were it of this type: the dual that sees the label alone."""
    examples = [annotation_example(genes, [label], hidden_fraction=1.0) for genes in cells]
    prompts = [FROM_LABEL.dual_prompt(label, example) for example in examples]
    return engine.likelihood(prompts, [FROM_LABEL.dual_answer(example.unknown) for example in examples])


def share_right(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return round(float((scores.argmax(1) == truth).mean()), 4)


def best_temperature(at: Callable[[float], list[Table]]) -> float:
    """The temperature of the lowest log-loss of the tables that it makes."""

    def log_loss(temperature: float) -> float:
        rows = [table[np.arange(len(truth)), truth] for table, truth in at(temperature)]
        return -float(np.log(np.maximum(np.concatenate(rows), np.finfo(float).tiny)).mean())

    return round(float(min(np.geomspace(0.3, 20, 120), key=log_loss)), 3)
