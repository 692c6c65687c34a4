"""A table of scores: one row for each condition, and one for their mean."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from ..cells import column, preview, sample_cells

logger = logging.getLogger(__name__)

#: The condition of all cells together, and the row with the mean over conditions.
ALL, MEAN = "all", "mean"


class Group(NamedTuple):
    """The cells of one condition, as rows of their objects."""

    condition: str
    real: np.ndarray
    generated: np.ndarray


class Score(NamedTuple):
    """How one metric is taken."""

    of: Callable[[Group], float]
    embedding: str | None = None


def conditions(adata: AnnData, groupby: str | None, of: str) -> pd.Series:
    """The condition of every cell as text, missing where there is none; ``of`` is said in errors."""
    if groupby is None:
        return pd.Series(ALL, index=adata.obs_names)
    if groupby not in adata.obs:
        raise KeyError(f"obs of the {of} cells has no column {groupby!r}; it has {list(adata.obs.columns)}")
    given = column(adata, groupby)
    found = given.astype(object).where(given.notna(), None).map(str, na_action="ignore")
    if (found == MEAN).any():
        raise ValueError(f"obs[{groupby!r}] holds a condition named {MEAN!r}, as the mean of all will be: rename it")
    if found.isna().any():
        logger.warning("%d %s cells have no %s and are left out", found.isna().sum(), of, groupby)
    return found


def groups(
    real: pd.Series, generated: pd.Series, max_cells: int | None = None, seed: int = 0, *, half: bool = False
) -> list[Group]:
    """Cells of every condition that either side has, at most ``max_cells`` a side, and ``half`` of the real ones."""
    common = set(real.dropna()) & set(generated.dropna())
    if not common:
        raise ValueError(
            f"real and generated cells share no condition: {preview(sorted(set(real.dropna())))} against "
            f"{preview(sorted(set(generated.dropna())))}; name them alike in both"
        )
    here, there = sample_cells(real, max_cells, seed, half=half), sample_cells(generated, max_cells, seed)
    nothing = np.array([], dtype=int)
    return [Group(name, here.get(name, nothing), there.get(name, nothing)) for name in sorted({*here, *there})]


def table(cells: list[Group], scores: Mapping[str, Score]) -> pd.DataFrame:
    """Take every score of every condition. One that cannot be taken is missing, and its note says why."""
    frames = [_rows(metric, score, cells) for metric, score in scores.items()]
    return pd.concat(frames, ignore_index=True)


def _rows(metric: str, score: Score, cells: list[Group]) -> pd.DataFrame:
    rows = pd.DataFrame([_row(score, group) for group in cells])
    taken = rows[rows["value"].notna()]
    lost = len(rows) - len(taken)
    mean = {
        "condition": MEAN,
        "value": taken["value"].mean(),
        "n_real": taken["n_real"].sum(),
        "n_generated": taken["n_generated"].sum(),
        "note": f"{lost} of {len(rows)} conditions are missing" if lost else "",
    }
    rows = pd.concat([rows, pd.DataFrame([mean])], ignore_index=True)
    rows.insert(0, "metric", metric)
    rows.insert(len(rows.columns) - 1, "embedding", pd.Series(score.embedding, index=rows.index, dtype=object))
    return rows


def _row(score: Score, group: Group) -> dict[str, Any]:
    try:
        value, note = score.of(group), ""
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
