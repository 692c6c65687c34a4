"""Temperatures and thresholds of a model from labelled cells that it was not trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from ..duality import likelihood_by_option
from ..examples import LabelExamples
from ..models import LanguageModel, ModelSpec, ReferenceClassifier
from ._predict_labels import label_log_likelihoods, probabilities_of

#: Temperatures that are compared.
_TEMPERATURES = np.geomspace(0.3, 20, 120)
#: Slope of the logistic curve of the in-distribution probability, and share of a study below its middle at most.
_SLOPE, _MAX_OUTLIERS = 30.0, 0.05
#: Digits after the point.
_DIGITS = 3
#: Cells of a study whose dual is scored for every label.
_N_DUAL = 40


class Study(NamedTuple):
    """Labelled cells of one study with the scores of a model."""

    examples: LabelExamples
    #: Genes that the reference classifier reads, of each cell.
    genes: list[list[str]]
    classifier: ReferenceClassifier | None
    #: Log-likelihoods of the labels, (n_cells, n_labels) and one column more if there is an answer for none of them.
    scores: NDArray[np.float64]
    #: Index of the true label of each cell.
    truth: NDArray[np.int64]


class Calibration(NamedTuple):
    """What :func:`sc_duality.tl.calibrate` sets."""

    temperature: float
    #: ``midpoint``, ``slope`` and ``temperature`` of the reference classifier; empty without one.
    in_distribution: dict[str, float]
    #: Confidence times in-distribution probability below which a cell is unknown.
    unknown: float


def read_study(
    model: LanguageModel,
    examples: LabelExamples,
    rows: NDArray[np.int64],
    truth: Sequence[str],
    classifier: ReferenceClassifier | None,
) -> Study:
    """The scores of a model on the cells of these rows, which it can read."""
    chosen = [one for row in rows for one in examples.predict(slice(row, row + 1)) if one is not None]
    further = None if classifier is None or classifier.genes is None else examples.cells.with_genes(classifier.genes)
    genes = [list(one.genes) for one in chosen] if further is None else further.genes(rows)
    scores = label_log_likelihoods(model, examples, [examples.task.question(one) for one in chosen])
    index = {option: i for i, option in enumerate(examples.options)}
    return Study(examples, genes, classifier, scores, np.array([index[label] for label in truth]))


def calibration_of(studies: Sequence[Study], spec: ModelSpec, max_unknown: float) -> Calibration:
    """The calibration with the lowest log-loss, by which ``max_unknown`` of a study's cells are unknown at most."""
    truths = [study.truth for study in studies]
    temperature = best_temperature(lambda t: [_of_model(study, t) for study in studies], truths)
    found = {}
    if spec.known("annotation", "in_distribution"):
        of_reference = best_temperature(lambda t: [_of_both(study, temperature, t) for study in studies], truths)
        similarity = [_similarity(study) for study in studies]
        midpoint = threshold(similarity, _MAX_OUTLIERS)
        found = {"midpoint": midpoint, "slope": _SLOPE, "temperature": of_reference}
        confidence = [
            _of_both(study, temperature, of_reference).max(1) * expit(_SLOPE * (each - midpoint))
            for study, each in zip(studies, similarity, strict=True)
        ]
    else:
        confidence = [_of_model(study, temperature).max(1) for study in studies]
    return Calibration(temperature, found, threshold(confidence, max_unknown))


def threshold(studies: Sequence[NDArray[np.float64]], share: float) -> float:
    """The quantile ``share`` of the study where it is lowest, rounded down: no more of any study are below it."""
    lowest = min(float(np.quantile(values, share, method="lower")) for values in studies)
    return math.floor(lowest * 1e6) / 1e6


def _of_model(study: Study, temperature: float) -> NDArray[np.float64]:
    """Label probabilities of the language model."""
    return probabilities_of(study.scores, temperature, study.examples, study.genes, None)


def _of_both(study: Study, temperature: float, of_reference: float) -> NDArray[np.float64]:
    """Label probabilities of the language model and the reference classifier together."""
    assert study.classifier is not None
    classifier = study.classifier._replace(temperature=of_reference)
    return probabilities_of(study.scores, temperature, study.examples, study.genes, classifier)


def _similarity(study: Study) -> NDArray[np.float64]:
    assert study.classifier is not None
    return np.array([study.classifier.similarity(genes) for genes in study.genes])


def dual_temperature(
    model: LanguageModel, studies: Sequence[tuple[LabelExamples, NDArray[np.int64], Sequence[str]]], seed: int
) -> float:
    """The temperature with the lowest log-loss of the duality score's posterior over all labels.

    ``studies`` are examples with rows and their true labels; some of each count, whatever their order.
    """
    rng, tables, truths = np.random.default_rng(seed), [], []
    for examples, rows, labels in studies:
        found = [
            (one, one.options.index(labels[i]))
            for i in rng.permutation(len(rows))[:_N_DUAL]
            for one in examples.with_hidden(slice(rows[i], rows[i] + 1), seed)
            if one.has_hidden and labels[i] in one.options
        ]
        if found:
            tables.append(likelihood_by_option(model, examples.task, [one for one, _ in found]))
            truths.append(np.array([index for _, index in found]))
    return best_temperature(lambda t: [softmax(table / t, axis=1) for table in tables], truths)


def best_temperature(
    at: Callable[[float], Sequence[NDArray[np.float64]]], truths: Sequence[NDArray[np.int64]]
) -> float:
    """The temperature with the lowest log-loss of the true labels; ``at`` gives the probabilities at one."""

    def log_loss(temperature: float) -> float:
        rows = [table[np.arange(len(truth)), truth] for table, truth in zip(at(temperature), truths, strict=True)]
        return -float(np.log(np.maximum(np.concatenate(rows), np.finfo(float).tiny)).mean())

    return round(float(min(_TEMPERATURES, key=log_loss)), _DIGITS)
