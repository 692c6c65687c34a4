"""Accuracy, macro-F1 and calibration error of predicted cell types."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score


def merge(labels: NDArray[np.str_], merged: Mapping[str, str]) -> NDArray[np.str_]:
    """The labels that ``labels`` count as."""
    return np.array([merged.get(label, label) for label in labels])


def accuracy_and_f1(
    truth: NDArray[np.str_], predicted: NDArray[np.str_], merged: Mapping[str, str]
) -> dict[str, float]:
    """Accuracy, and macro-F1 over the true labels."""
    truth, predicted = merge(truth, merged), merge(predicted, merged)
    macro = f1_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0)
    return {"accuracy": round(accuracy_score(truth, predicted), 4), "macro_f1": round(macro, 4)}


def calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_], n_bins: int = 10) -> float:
    """Expected calibration error (ECE) over bins of equal width."""
    index = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = [
        abs(confidence[index == i].mean() - correct[index == i].mean()) * (index == i).sum() for i in np.unique(index)
    ]
    return float(np.sum(gaps) / len(confidence))


def calibration_error_by_chance(confidence: NDArray[np.float64], seed: int, n: int = 500) -> float:
    """The mean ECE of as many cells with exactly calibrated confidence."""
    rng = np.random.default_rng(seed)
    return float(np.mean([calibration_error(confidence, rng.random(len(confidence)) < confidence) for _ in range(n)]))
