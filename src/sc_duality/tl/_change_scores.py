"""Scores of the predicted change from control cells, for the table of :func:`sc_duality.tl.evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from ..metrics import kendall, pearson
from ._compared_space import Populations
from ._score_table import Group, Score

#: Scores of the change over all genes; that over the most changed genes belongs to ``pearson``.
CHANGES = ("pearson", "kendall")


def is_pooled(control: pd.Series, predicted: pd.Series) -> bool:
    """Whether all conditions share the control cells, as these have none of the conditions."""
    return not set(control.dropna()) & set(predicted.dropna())


def control_rows(group: Group, control: pd.Series, *, pooled: bool) -> np.ndarray:
    """The control cells of a condition."""
    return np.arange(len(control)) if pooled else np.flatnonzero(control == group.condition)


def change_scores(
    cells: Populations, control: pd.Series, predicted: pd.Series, chosen: list[str], n_top: int
) -> dict[str, Score]:
    """Agreement of the predicted with the observed change of mean expression, over genes.

    ``control`` and ``predicted`` are the conditions of these cells.
    """
    pooled = is_pooled(control, predicted)

    def changes(group: Group, n: int | None) -> tuple[np.ndarray, np.ndarray]:
        rows = control_rows(group, control, pooled=pooled)
        parts = [cells.real[group.real], cells.generated[group.generated], cells.control[rows]]
        for part, name in zip(parts, ("real", "generated", "control"), strict=True):
            if not part.shape[0]:
                raise ValueError(f"0 {name} cells: at least 1 is needed")
        parts.append(cells.control[rows] if cells.own_control is None else cells.own_control[group.generated])
        means = np.array([part.mean(axis=0).A1 for part in parts])
        real, generated, reference, own = means[:, means.any(axis=0)]
        observed = real - reference
        top = np.argsort(-np.abs(observed), kind="stable")[:n]
        return observed[top], (generated - own)[top]

    def correlation(n: int | None, group: Group) -> float:
        return pearson(*changes(group, n))

    def order(group: Group) -> float:
        observed, change = changes(group, None)
        undefined = np.ptp(observed) == 0 or np.ptp(change) == 0
        return np.nan if undefined else kendall(observed[None], change[None])

    computed: dict[str, dict[str, Callable[[Group], float]]] = {
        "pearson": {"pearson": partial(correlation, None), f"pearson_top{n_top}": partial(correlation, n_top)},
        "kendall": {"kendall": order},
    }
    return {
        name: Score(compute, cells.name)
        for metric in CHANGES
        if metric in chosen
        for name, compute in computed[metric].items()
    }
