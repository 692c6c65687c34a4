"""Checks of the input that several metrics share, and the import of an optional library."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._validation import is_missing


def population(cells: Any, name: str, at_least: int = 1) -> np.ndarray:
    """Return the embedding of cells as float64 (n, d), or raise an error that names what is wrong with it."""
    if hasattr(cells, "toarray"):
        raise TypeError(f"{name} is a sparse matrix: pass an embedding of the cells, or {name}.toarray()")
    values = np.asarray(cells, dtype=float)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"{name} must be an array of cells × dimensions, got the shape {values.shape}")
    if len(values) < at_least:
        raise ValueError(f"{len(values)} {name} cells: at least {at_least} are needed")
    n_invalid = int((~np.isfinite(values)).any(1).sum())
    if n_invalid:
        raise ValueError(f"{n_invalid} of {len(values)} {name} cells hold NaN or infinite values: leave them out")
    return values


def populations(real: Any, generated: Any, at_least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return both embeddings, which must have the same dimensions."""
    x, y = population(real, "real", at_least), population(generated, "generated", at_least)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"real cells have {x.shape[1]} dimensions and generated cells {y.shape[1]}: embed them in one space"
        )
    return x, y


def same_length(truth: Any, predicted: Any, what: str) -> None:
    """Raise an error unless there is one prediction for each true value."""
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} {what} in truth, but {len(predicted)} in predicted: pass one for each")
    if len(truth) == 0:
        raise ValueError(f"there are no {what} to compare")


def named_groups(groups: Any, name: str) -> NDArray[np.str_]:
    """Return the groups as text, or raise an error that counts missing ones."""
    values = np.asarray(groups, dtype=object)
    n_missing = sum(map(is_missing, values.ravel()))
    if n_missing:
        raise ValueError(f"{n_missing} of {values.size} values of {name} are missing: leave these cells out")
    return values.astype(str)


def lists_of_names(lists: Iterable[Any]) -> None:
    """Raise an error for a string in place of a list of names, since its letters would be taken as names."""
    text = next((names for names in lists if isinstance(names, str)), None)
    if text is not None:
        raise TypeError(f"expected lists of names, got the text {text[:40]!r}: split it first")


def optimal_transport() -> ModuleType:
    """Import POT, which the extra ``metrics`` installs."""
    try:
        import ot
    except ImportError as error:
        raise ImportError('optimal transport needs POT: pip install "sc-duality[metrics]"') from error
    return ot
