"""Checks of the arguments that puzzles are built with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._validation import positive_integer
from ..cells import adata_keys, cell_names, check_column, check_columns, modality

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def check_arguments(
    adata: AnnData | MuData,
    truth: str,
    groupby: Sequence[str],
    context: Sequence[str],
    split: Mapping[str, float] | None,
    split_by: str | None,
    mod: str,
) -> None:
    """Refuse arguments of :func:`sc_duality.pp.cell_puzzles` before any cell is read."""
    check_column(adata, truth, "truth", mod)
    check_columns(adata, groupby, "groupby", mod)
    check_columns(adata, context, "context", mod)
    data = modality(adata, mod)
    written = [adata_keys.PUZZLE, adata_keys.CANDIDATE, adata_keys.CELL, adata_keys.SPLIT]
    taken = [name for name in written if name in data.obs]
    if taken:
        raise ValueError(f"obs has the columns {taken}, which cell_puzzles writes: rename or delete them first")
    if not cell_names(data).is_unique:
        raise ValueError("names of cells are not unique: call adata.obs_names_make_unique() first")
    if split_by is not None and split is None:
        raise ValueError(f"split_by={split_by!r} needs the sets: pass split={{'train': 0.8, 'test': 0.2}}")
    if split_by not in (None, adata_keys.PUZZLE):
        check_column(adata, split_by, "split_by", mod)
    if split is not None:
        _check_split(split)


def _check_split(split: Any) -> None:
    numbers: list[Any] = list(split.values()) if isinstance(split, Mapping) and split else [None]
    valid = all(isinstance(one, int | float) and not isinstance(one, bool) and one > 0 for one in numbers)
    if not valid or not all(isinstance(name, str) and name.strip() for name in split):
        raise ValueError(f"split={split!r} must name sets with positive fractions, as {{'train': 0.8, 'test': 0.2}}")
    if not math.isclose(sum(numbers), 1, abs_tol=1e-6):
        raise ValueError(f"the fractions of split={split!r} sum to {sum(numbers):g}, not to 1")


def bounds(n_cells: Any) -> tuple[int, int]:
    """The smallest and the largest number of cells of a puzzle."""
    low, high = n_cells if isinstance(n_cells, Sequence) and len(n_cells) == 2 else (n_cells, n_cells)
    low, high = positive_integer("n_cells", low), positive_integer("n_cells", high)
    if not 2 <= low <= high:
        raise ValueError(f"n_cells={n_cells!r} must be the smallest and the largest number of cells, 2 or more")
    return low, high
