"""Groups of cells from which puzzles are sampled, with the cells of each type."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from ..cells import cell_names, is_labelled, preview, text_column

logger = logging.getLogger(__name__)


class PuzzleGroup(NamedTuple):
    """The cells of one group, such as a donor."""

    name: str
    #: Rows of the cells of each type, in the order of their names; the types in alphabetical order.
    rows: Mapping[str, NDArray[np.int64]]


def puzzle_groups(
    adata: AnnData, truth: str, groupby: Sequence[str], min_types: int, context: Sequence[str]
) -> list[PuzzleGroup]:
    """Groups of at least ``min_types`` types, by name; cells without a type are left out."""
    types = text_column(adata, truth).to_numpy()
    labelled = np.flatnonzero(is_labelled(pd.Series(types)).to_numpy())
    if not len(labelled):
        raise ValueError(f"truth={truth!r}: obs[{truth!r}] is missing or 'unknown' for every cell")
    check_types(truth, sorted(set(types[labelled])))
    names = group_names(adata, groupby)
    table = pd.DataFrame({"group": names[labelled], "type": types[labelled], "row": labelled})
    table = table.iloc[np.argsort(np.asarray(cell_names(adata), dtype=object)[labelled], kind="stable")]
    found = [_group(str(name), part) for name, part in table.groupby("group", sort=True)]
    kept = [group for group in found if len(group.rows) >= min_types]
    if not kept:
        most = max(found, key=lambda group: len(group.rows))
        raise ValueError(
            f"no group of groupby={list(groupby)} has {min_types} types; {most.name!r} has the most, {len(most.rows)}: "
            f"pass n_cells=(2, {len(most.rows)}) or other groups"
        )
    _check_context(adata, names, kept, context)
    logger.info(
        "%d of %d groups of %s have %d types or more; %d cells have no type and are left out",
        *(len(kept), len(found), " × ".join(groupby) or "all cells", min_types, adata.n_obs - len(labelled)),
    )
    return kept


def check_types(truth: str, types: Sequence[str]) -> None:
    """Refuse labels that a puzzle cannot list, or that would be read as one."""
    if len(types) < 2:
        raise ValueError(
            f"truth={truth!r}: all cells are of the type {types[0]!r}, and a puzzle needs two types or more"
        )
    split = [name for name in types if "|" in name or len(name.splitlines()) > 1]
    if split:
        raise ValueError(
            f"the labels {preview(split)} of obs[{truth!r}] hold '|' or a line break, which separate the labels of a "
            "puzzle: rename them"
        )
    spelled: dict[str, str] = {}
    for name in types:
        other = spelled.setdefault(" ".join(name.lower().split()), name)
        if other != name:
            raise ValueError(
                f"the labels {other!r} and {name!r} of obs[{truth!r}] differ only in case or spaces: make them one"
            )


def group_names(adata: AnnData, groupby: Sequence[str]) -> NDArray[np.object_]:
    """The name of the group of each cell: its values in these columns; one group without columns."""
    columns = []
    for name in groupby:
        values = text_column(adata, name)
        if values.isna().any():
            raise ValueError(
                f"{values.isna().sum()} of {adata.n_obs} cells have no obs[{name!r}], so their group is not known: "
                f"leave them out with adata[adata.obs[{name!r}].notna()]"
            )
        columns.append(values.to_numpy())
    if not columns:
        return np.full(adata.n_obs, "all cells", dtype=object)
    rows = list(zip(*columns, strict=True))
    by_name: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if by_name.setdefault(" · ".join(row), row) != row:
            raise ValueError(f"two groups of groupby={list(groupby)} have the name {' · '.join(row)!r}: rename them")
    return np.array([" · ".join(row) for row in rows], dtype=object)


def _group(name: str, part: pd.DataFrame) -> PuzzleGroup:
    rows = {str(label): rows.to_numpy(np.int64) for label, rows in part.groupby("type", sort=True)["row"]}
    return PuzzleGroup(name, rows)


def _check_context(
    adata: AnnData, names: NDArray[np.object_], groups: Sequence[PuzzleGroup], context: Sequence[str]
) -> None:
    """The context describes a whole puzzle, so it must be the same for all cells of a group."""
    kept = np.isin(names.astype(str), [group.name for group in groups])
    for column in context:
        values = text_column(adata, column).to_numpy()[kept]
        for name, own in pd.Series(values).fillna("missing").groupby(names[kept]):
            if own.nunique() > 1:
                raise ValueError(
                    f"context={column!r} has several values in the group {name!r} ({preview(sorted(own.unique()))}), "
                    f"and one text describes all cells of a puzzle: add {column!r} to groupby=, or leave it out"
                )
