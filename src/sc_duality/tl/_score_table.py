"""A table of scores: one row for each condition, and one for their mean."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from ..cells import preview, sample_cells, text_column

logger = logging.getLogger(__name__)

#: The condition of all cells together, and the row with the mean over conditions.
ALL, MEAN = "all", "mean"


class Group(NamedTuple):
    """The cells of one condition, as rows of their objects."""

    condition: str
    real: np.ndarray
    generated: np.ndarray


class Score(NamedTuple):
    """How one metric is computed."""

    compute: Callable[[Group], float]
    embedding: str | None = None


def conditions(adata: AnnData, groupby: str | None, side: str) -> pd.Series:
    """The condition of every cell as text, missing where there is none; ``side`` is named in errors."""
    if groupby is None:
        return pd.Series(ALL, index=adata.obs_names)
    if not isinstance(groupby, str):
        raise TypeError(f"groupby={groupby!r} must be the name of one obs column")
    if groupby not in adata.obs:
        raise KeyError(f"obs of the {side} cells has no column {groupby!r}; it has {list(adata.obs.columns)}")
    found = text_column(adata, groupby)
    if (found == MEAN).any():
        raise ValueError(
            f"obs[{groupby!r}] holds a condition named {MEAN!r}, which the row of means is called: rename it"
        )
    if found.isna().any():
        logger.warning("%d %s cells have no %s and are left out", found.isna().sum(), side, groupby)
    return found


def groups(
    real: pd.Series, generated: pd.Series, max_cells: int | None = None, seed: int = 0, *, half: bool = False
) -> list[Group]:
    """Cells of every condition that either side has, at most ``max_cells`` a side, and ``half`` of the real ones."""
    common = set(real.dropna()) & set(generated.dropna())
    if not common:
        raise ValueError(
            f"real and generated cells share no condition: {preview(sorted(set(real.dropna())))} against "
            f"{preview(sorted(set(generated.dropna())))}; use the same names in both"
        )
    real_rows, generated_rows = sample_cells(real, max_cells, seed, half=half), sample_cells(generated, max_cells, seed)
    empty = np.array([], dtype=int)
    return [
        Group(name, real_rows.get(name, empty), generated_rows.get(name, empty))
        for name in sorted({*real_rows, *generated_rows})
    ]


def score_table(cells: list[Group], scores: Mapping[str, Score]) -> pd.DataFrame:
    """Compute every score of every condition; one that is not defined is missing, and its note says why."""
    frames = [_rows(metric, score, cells) for metric, score in scores.items()]
    return pd.concat(frames, ignore_index=True)


def _rows(metric: str, score: Score, cells: list[Group]) -> pd.DataFrame:
    rows = pd.DataFrame([_row(score, group) for group in cells])
    defined = rows[rows["value"].notna()]
    n_missing = len(rows) - len(defined)
    mean = {
        "condition": MEAN,
        "value": defined["value"].mean(),
        "n_real": defined["n_real"].sum(),
        "n_generated": defined["n_generated"].sum(),
        "note": f"{n_missing} of {len(rows)} conditions are missing" if n_missing else "",
    }
    rows = pd.concat([rows, pd.DataFrame([mean])], ignore_index=True)
    rows.insert(0, "metric", metric)
    rows.insert(len(rows.columns) - 1, "embedding", pd.Series(score.embedding, index=rows.index, dtype=object))
    return rows


def _row(score: Score, group: Group) -> dict[str, Any]:
    try:
        value, note = score.compute(group), ""
    except ValueError as error:
        value, note = np.nan, str(error)
    if np.isnan(value) and not note:
        note = "undefined: all values on one side are equal"
    return {
        "condition": group.condition,
        "value": value,
        "n_real": len(group.real),
        "n_generated": len(group.generated),
        "note": note,
    }
