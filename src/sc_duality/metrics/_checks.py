"""What the functions of this room ask of their input, and the library that some of them need."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse


def population(cells: Any, name: str, at_least: int = 1) -> np.ndarray:
    """Embedded cells as float64 (n, d), or an error that names what is wrong with them."""
    if sparse.issparse(cells):
        raise TypeError(f"{name} is a sparse matrix: pass an embedding of the cells, or {name}.toarray()")
    values = np.asarray(cells, dtype=float)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"{name} must be an array of cells × dimensions, got the shape {values.shape}")
    if len(values) < at_least:
        raise ValueError(f"{len(values)} {name} cells: at least {at_least} are needed")
    unusable = int((~np.isfinite(values)).any(1).sum())
    if unusable:
        raise ValueError(f"{unusable} of {len(values)} {name} cells hold NaN or infinite values: leave them out")
    return values


def populations(real: Any, generated: Any, at_least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Both populations in one embedding."""
    both = population(real, "real", at_least), population(generated, "generated", at_least)
    if both[0].shape[1] != both[1].shape[1]:
        raise ValueError(
            f"real cells have {both[0].shape[1]} dimensions and generated ones {both[1].shape[1]}: "
            "embed them in one space"
        )
    return both


def same_length(truth: Any, answers: Any, what: str) -> None:
    """Refuse lists that do not belong together."""
    if len(truth) != len(answers):
        raise ValueError(f"{len(truth)} {what} in truth, but {len(answers)} answers: give one for each")
    if len(truth) == 0:
        raise ValueError(f"there are no {what} to compare")


def refuse_texts(lists: Iterable[Any]) -> None:
    """Refuse texts in place of lists of names: their letters would pass for names."""
    text = next((names for names in lists if isinstance(names, str)), None)
    if text is not None:
        raise TypeError(f"expected lists of names, got the text {text[:40]!r}: split it first")


def optimal_transport() -> ModuleType:
    """The library POT, which comes with an extra."""
    try:
        import ot
    except ImportError as error:
        raise ImportError('optimal transport needs POT: pip install "sc-duality[metrics]"') from error
    return ot
