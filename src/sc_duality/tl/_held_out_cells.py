"""Which cells are held out of training for evaluation."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..examples import ModelCells

logger = logging.getLogger(__name__)


def held_out_cells(
    objects: Sequence[ModelCells], held_out: float | Mapping[str, float | Sequence[str]], rng: np.random.Generator
) -> list[NDArray[np.bool_]]:
    """Which cells of each object are held out."""
    if not isinstance(held_out, Mapping):
        _check_fraction(held_out, held_out)
        if held_out:
            logger.warning("cells are held out at random, which flatters the accuracy: pass held_out={'donor': 0.1}")
        return [rng.random(len(cells)) < held_out for cells in objects]
    if len(held_out) != 1:
        raise ValueError(f"held_out={held_out!r} must name one obs column")
    name, share = next(iter(held_out.items()))
    columns = [cells.column(name, "held_out") for cells in objects]
    known = sorted({value for values in columns for value in values if value is not None})
    if isinstance(share, int | float | str):
        _check_fraction(share, held_out)
    if isinstance(share, int | float):
        if share and len(known) < 2:
            raise ValueError(
                f"held_out={held_out!r}: obs[{name!r}] has fewer than two values, {known}: name another column, or "
                "pass a fraction of the cells"
            )
        n = min(max(1, round(share * len(known))), len(known) - 1)
        chosen = rng.choice(known, n, replace=False).tolist() if share else []
    else:
        chosen = [str(value) for value in share]
    unknown = [value for value in chosen if value not in known]
    if unknown:
        raise ValueError(
            f"held_out={held_out!r}: {unknown} are not among the values of obs[{name!r}], {', '.join(known)}"
        )
    return [np.isin(values.astype(str), chosen) for values in columns]


def _check_fraction(share: object, held_out: object) -> None:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise ValueError(
            f"held_out={held_out!r} must be a fraction from 0 to below 1, or a mapping of one obs column to a fraction "
            "or a list of its values, such as {'donor': ['d1']}"
        )
