"""Baselines of response prediction.

Each learns from control and treated cells of training groups, and predicts treated cells of a held-out group from its
control cells. Expression is log1p(counts per 10,000), cells × genes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

import sc_duality as sd

Cells = NDArray[np.float64]
#: Candidates for the strength of similarity weights; 0 is the mean shift.
BETAS = (0.0, 3.0, 10.0, 30.0, 100.0, 300.0)
#: Principal components and candidates for the penalty of ridge regression.
N_COMPONENTS, PENALTIES = 100, (1.0, 10.0, 100.0, 1e3, 1e4)


class Pair(NamedTuple):
    """Control and treated cells of one training group."""

    control: Cells
    treated: Cells

    @property
    def shift(self) -> Cells:
        """Mean change of every gene."""
        return self.treated.mean(0) - self.control.mean(0)


class Prediction(NamedTuple):
    """Predicted treated cells, one for each control cell, and the mean change of every gene."""

    cells: Cells
    change: Cells


Baseline = Callable[[Sequence[Pair], Cells], Prediction]


def no_change(_training: Sequence[Pair], control: Cells) -> Prediction:
    """The control cells."""
    return Prediction(control, np.zeros(control.shape[1]))


def mean_shift(training: Sequence[Pair], control: Cells) -> Prediction:
    """Every control cell plus the mean change of the training groups."""
    return shifted(control, np.mean([pair.shift for pair in training], axis=0))


def similarity_weighted_shift(training: Sequence[Pair], control: Cells) -> Prediction:
    """Mean shift with the weights softmax(β · correlation of the mean control cells).

    β has the best mean correlation of change when each training group is predicted from the others.
    """
    best = _best_setting(BETAS, weighted_shift, training)
    return shifted(control, weighted_shift(training, control, best))


def weighted_shift(training: Sequence[Pair], control: Cells, beta: float) -> Cells:
    """The change of the training groups, weighted by the similarity of their control cells to ``control``."""
    profile = control.mean(0)
    exponents = beta * np.array([sd.metrics.pearson(profile, pair.control.mean(0)) for pair in training])
    weights = np.exp(exponents - exponents.max())
    return np.average([pair.shift for pair in training], axis=0, weights=weights)


def sloped_shift(training: Sequence[Pair], control: Cells) -> Prediction:
    """Mean shift, and a slope over the difference of the control cells from those of the training groups.

    One slope for all genes: expression that is already low falls less, and expression that is high rises less.
    """
    before = np.array([pair.control.mean(0) for pair in training])
    shifts = np.array([pair.shift for pair in training])
    deviations = before - before.mean(0)
    slope = (deviations * (shifts - shifts.mean(0))).sum() / max((deviations**2).sum(), 1e-12)
    return shifted(control, shifts.mean(0) + slope * (control.mean(0) - before.mean(0)))


def ridge_expression(training: Sequence[Pair], control: Cells) -> Prediction:
    """Ridge regression of the treated cell on the control cell and a binary encoding of the condition.

    The linear baseline of C2S-Scale (section 4.7.9). Inputs are principal components of the control cell and whether
    it is treated; the target is the expression of a cell of the same group and condition.
    """
    return _ridge(training, control, predict_change=False)


def ridge_change(training: Sequence[Pair], control: Cells) -> Prediction:
    """Ridge regression of the mean change of the group on principal components of its control cells."""
    return _ridge(training, control, predict_change=True)


BASELINES: dict[str, Baseline] = {
    "no_change": no_change,
    "mean_shift": mean_shift,
    "similarity_weighted": similarity_weighted_shift,
    "sloped_shift": sloped_shift,
    "ridge_expression": ridge_expression,
    "ridge_change": ridge_change,
}


def shifted(control: Cells, change: Cells) -> Prediction:
    """Control cells plus a change; expression below 0 becomes 0 in the cells, not in the change."""
    return Prediction(np.maximum(control + change, 0), change)


def _best_setting(
    candidates: Sequence[float], predict: Callable[[Sequence[Pair], Cells, float], Cells], training: Sequence[Pair]
) -> float:
    """The candidate with the best correlation of change when each training group is predicted from the others."""

    def quality(candidate: float) -> float:
        found = []
        for i, pair in enumerate(training):
            others = [other for j, other in enumerate(training) if j != i]
            found.append(sd.metrics.pearson(pair.shift, predict(others, pair.control, candidate)))
        return float(np.nanmean(found))

    return max(candidates, key=quality)


def _ridge(training: Sequence[Pair], control: Cells, *, predict_change: bool) -> Prediction:
    fit = partial(_fit_ridge, predict_change=predict_change)

    def change(pairs: Sequence[Pair], cells: Cells, penalty: float) -> Cells:
        return fit(pairs, cells, penalty).change

    return fit(training, control, _best_setting(PENALTIES, change, training))


def _fit_ridge(training: Sequence[Pair], control: Cells, penalty: float, *, predict_change: bool) -> Prediction:
    rng = np.random.default_rng(0)
    before = np.concatenate([pair.control for pair in training])
    pca = PCA(min(N_COMPONENTS, len(before) - 1, before.shape[1]), random_state=0).fit(before)
    if predict_change:
        change = np.concatenate([np.broadcast_to(pair.shift, pair.control.shape) for pair in training])
        found = Ridge(penalty).fit(pca.transform(before), change).predict(pca.transform(control))
        return Prediction(np.maximum(control + found, 0), found.mean(0))
    inputs, outputs = [], []
    for pair in training:
        for treated, cells in ((0.0, pair.control), (1.0, pair.treated)):
            partners = pair.control[rng.integers(len(pair.control), size=len(cells))]
            inputs.append(_with_condition(pca.transform(partners), treated))
            outputs.append(cells)
    model = Ridge(penalty).fit(np.concatenate(inputs), np.concatenate(outputs))
    found = model.predict(_with_condition(pca.transform(control), 1.0))
    return Prediction(np.maximum(found, 0), found.mean(0) - control.mean(0))


def _with_condition(components: Cells, treated: float) -> Cells:
    return np.column_stack([components, np.full(len(components), treated)])
