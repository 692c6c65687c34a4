"""Statistics of a screen: effects, tests over samples, and differences between contexts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._screen_library import SCORES, Library

#: Test of the changes of all samples against 0.
Test = Literal["t-test", "wilcoxon"]
TESTS = get_args(Test)
#: Name of the context that the others are compared with, else the last one.
NEUTRAL = "neutral"

#: Spread relative to the mean below which changes count as equal.
_NO_SPREAD = 1e-9

Floats = NDArray[np.float64]


class ContextScores(NamedTuple):
    """Scores of one context."""

    #: Change of the score, perturbations × cells × replicates; NaN without a prediction.
    change: Floats
    #: Number of the sample of each cell, from 0.
    samples: NDArray[np.int64]

    def by_sample(self) -> Floats:
        """Change of each sample, perturbations × samples: the mean of its cells, each the mean of its replicates."""
        cells = pd.DataFrame(_mean(self.change, axis=2).T)
        return np.asarray(cells.groupby(self.samples).mean().to_numpy().T)


def screen_table(library: Library, contexts: Mapping[str, ContextScores], test: Test) -> pd.DataFrame:
    """One row a perturbation × context, largest effect first within a context."""
    samples = {name: scores.by_sample() for name, scores in contexts.items()}
    neutral = neutral_context(contexts)
    z = {name: _z_scores(_mean(changes, axis=1)) for name, changes in samples.items()}
    parts = []
    for name, changes in samples.items():
        statistic, p = np.transpose([_paired(row, test) for row in changes])
        part = library.table.assign(context=name, effect=_mean(changes, axis=1), z=z[name], statistic=statistic, p=p)
        part["q"] = _q_values(p)
        part["n_samples"] = np.isfinite(changes).sum(axis=1)
        part["n_failed"] = np.isnan(contexts[name].change).sum(axis=(1, 2))
        part[["difference", "p_difference", "q_difference"]] = np.nan
        if name != neutral:
            p = np.array([_welch(*pair) for pair in zip(changes, samples[neutral], strict=True)])
            part = part.assign(difference=z[name] - z[neutral], p_difference=p, q_difference=_q_values(p))
        parts.append(part.sort_values("effect", ascending=False, kind="stable"))
    columns = [*library.table.columns[:5], *SCORES, *library.table.columns[5:]]
    return pd.concat(parts, ignore_index=True)[columns]


def neutral_context(names: Mapping[str, object]) -> str:
    """The context that the others are compared with."""
    return NEUTRAL if NEUTRAL in names else list(names)[-1]


def _mean(values: Floats, axis: int) -> Floats:
    """Mean of what is not NaN; NaN if nothing is left."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=axis))


def _z_scores(effects: Floats) -> Floats:
    """Effects minus their mean over perturbations, over their standard deviation; NaN if all are equal."""
    spread = np.nanstd(effects) if np.isfinite(effects).any() else 0.0
    if spread <= _NO_SPREAD * np.nanmax(np.abs(effects), initial=0.0):
        return np.full(len(effects), np.nan)
    return np.asarray((effects - np.nanmean(effects)) / spread)


def _paired(changes: Floats, test: Test) -> tuple[float, float]:
    """Statistic and p-value of the changes of samples against 0; NaN for one sample, and without any spread."""
    from scipy import stats  # slow to import

    changes = changes[np.isfinite(changes)]
    if len(changes) < 2:
        return np.nan, np.nan
    if not changes.any():
        return 0.0, 1.0
    if test == "wilcoxon":
        found = stats.wilcoxon(changes)
    elif np.std(changes) <= _NO_SPREAD * np.abs(changes).max():
        return np.nan, np.nan
    else:
        found = stats.ttest_1samp(changes, 0.0)
    return float(found.statistic), float(found.pvalue)


def _welch(one: Floats, other: Floats) -> float:
    """The p-value of Welch's t-test; NaN if a side has one sample, or no side has any spread."""
    from scipy import stats

    one, other = one[np.isfinite(one)], other[np.isfinite(other)]
    if min(len(one), len(other)) < 2:
        return np.nan
    if np.ptp(one) == np.ptp(other) == 0:
        return 1.0 if one[0] == other[0] else np.nan
    return float(stats.ttest_ind(one, other, equal_var=False).pvalue)


def _q_values(p: Floats) -> Floats:
    """The p-values after Benjamini and Hochberg, over those that are not NaN."""
    from scipy.stats import false_discovery_control

    q = np.full(len(p), np.nan)
    tested = np.isfinite(p)
    if tested.any():
        q[tested] = false_discovery_control(p[tested])
    return q
