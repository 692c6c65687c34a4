"""Checks of arguments that many functions share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

#: Texts of a missing value, which ``astype(str)`` leaves behind.
_MISSING = {"", "nan", "NaN", "NA", "<NA>", "None"}


def positive_integer(name: str, value: Any) -> int:
    """The argument ``name`` as an int of at least 1, or an error that names its value."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def fraction(name: str, value: Any, *, whole: bool = False) -> float:
    """The argument ``name`` as a float from 0 to below 1, or to 1 with ``whole``; or an error that names its value."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1 or (value == 1 and not whole):
        raise ValueError(f"{name} must be a number from 0 to {'' if whole else 'below '}1, got {value!r}")
    return float(value)


def choice(name: str, value: Any, options: Iterable[Any]) -> None:
    """Raise an error that lists the options unless the argument ``name`` is one of them."""
    options = list(options)
    if value not in options:
        raise ValueError(f"{name}={value!r} is not an option: choose from {', '.join(map(repr, options))}")


def is_missing(value: object) -> bool:
    """Whether a label is None, NaN or pandas' NA, or a text that stands for one of them."""
    if isinstance(value, str):
        return value.strip() in _MISSING
    try:
        return value is None or bool(value != value)
    except TypeError:  # a comparison with pandas' NA has no truth value
        return True
