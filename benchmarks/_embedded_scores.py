"""Figures of the embedded model and of baselines on one held-out set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _library as library
from benchmarks._baselines import baselines, predict
from benchmarks._held_out import HeldOut
from benchmarks._results import over_seeds
from benchmarks._scores import accuracy_and_f1, calibration_error, calibration_error_by_chance, merge

#: Ways to predict, and whether all labels of the model are allowed.
WAYS: dict[str, tuple[Callable[..., NDArray[np.str_]], bool]] = {
    "embedded": (library.predict_ensemble, False),
    "all_types": (library.predict_ensemble, True),
    "language_model": (library.predict_language_model, False),
    "reference_classifier": (library.predict_reference_classifier, False),
}
#: Tissues on whose validation cells a baseline is chosen.
CHOSEN_ON = ("pancreas", "blood")


def evaluate(held_out: HeldOut, models: Sequence[str], baseline: str, seed: int) -> dict[str, Any]:
    """All figures of a set; ``baseline`` is the name of the chosen one."""
    ways = {name: by_model(held_out, models, name) for name in WAYS}
    truth = held_out.cells.obs["label"].to_numpy(str)
    of_baselines = {
        name: accuracy_and_f1(truth, predict(name, held_out.train, held_out.cells, seed), held_out.merged)
        for name in baselines()
    }
    return {
        "n": held_out.cells.n_obs,
        "fold": held_out.fold,
        **{metric: found["mean"] for metric, found in ways["embedded"].items()},
        "baseline": of_baselines[baseline]["accuracy"],
        "baselines": of_baselines,
        "ways": ways,
        **unknown_and_calibration(held_out, models, seed),
    }


def by_model(held_out: HeldOut, models: Sequence[str], name: str) -> dict[str, Any]:
    """Accuracy and macro-F1 over seeds by one of the ways."""
    way, all_types = WAYS[name]
    truth, labels = held_out.cells.obs["label"].to_numpy(str), None if all_types else held_out.labels
    each = [accuracy_and_f1(truth, way(held_out.cells, model, labels), held_out.merged) for model in models]
    return {metric: over_seeds([scores[metric] for scores in each]) for metric in each[0]}


def unknown_and_calibration(held_out: HeldOut, models: Sequence[str], seed: int) -> dict[str, Any]:
    """Share of the cells that become unknown, and their ECE over all labels of the model."""
    found: dict[str, list[float]] = {"unknown": [], "calibration_error": [], "calibration_error_by_chance": []}
    for model in models:
        annotated = library.annotate(held_out.cells, model, None)
        found["unknown"].append(float((annotated.obs["annotation"] == "unknown").mean()))
        annotated = library.annotate(held_out.cells, model, None, unknown=0)
        predicted, truth = (annotated.obs[name].to_numpy(str) for name in ("annotation", "label"))
        correct = merge(predicted, held_out.merged) == merge(truth, held_out.merged)
        confidence = annotated.obs["annotation_confidence"].to_numpy(float)
        found["calibration_error"].append(calibration_error(confidence, correct))
        found["calibration_error_by_chance"].append(calibration_error_by_chance(confidence, seed))
    return {name: over_seeds(values) for name, values in found.items()}


def validation_accuracy(held_out: HeldOut, seed: int) -> dict[str, float]:
    """Accuracy of each baseline on validation cells, without these among the training cells."""
    validation, train = held_out.validation, held_out.train
    train = train[~train.obs_names.isin(validation.obs_names)].copy()
    truth = validation.obs["label"].to_numpy(str)
    return {
        name: accuracy_and_f1(truth, predict(name, train, validation, seed), {})["accuracy"] for name in baselines()
    }


def chosen_baseline(validation: Mapping[str, Mapping[str, float]]) -> str:
    """The baseline with the highest mean accuracy on validation cells of pancreas and blood."""
    accuracy = [validation[tissue] for tissue in CHOSEN_ON if tissue in validation]
    return max(baselines(), key=lambda name: float(np.mean([each[name] for each in accuracy])))
