"""Answers of an engine: finished ones, missing ones, and matrices of them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)


class Unanswered(NamedTuple):
    """Stands for an answer that could not be computed."""

    reason: str


#: Answers that are finished, each with the index of its prompt.
Finished = Sequence[tuple[int, Any]]


def report(failures: Counter[str], n: int, *, stored: bool) -> None:
    """Log how many prompts have no answer, why, and what to do."""
    if failures:
        reasons = "; ".join(f"{count} × {reason}" for reason, count in failures.most_common(5))
        remedy = "the others are stored, call again to retry only these" if stored else "call again to retry"
        logger.warning("%d of %d prompts have no answer (%s): %s", failures.total(), n, reasons, remedy)


def rows(answers: list[Any], width: int, dtype: type) -> NDArray[Any]:
    """Answers as rows of a matrix, NaN where there is none."""
    matrix: NDArray[Any] = np.full((len(answers), width), np.nan, dtype)
    for row, answer in zip(matrix, answers, strict=True):
        if answer is not None:
            row[:] = answer
    return matrix


def to_bytes(values: Any) -> bytes:
    """Numbers for the cache."""
    return np.asarray(values).tobytes()


def to_float64(stored: bytes) -> NDArray[np.float64]:
    """Numbers from the cache."""
    return np.frombuffer(stored, np.float64)


def to_float32(stored: bytes) -> NDArray[np.float32]:
    """Numbers from the cache."""
    return np.frombuffer(stored, np.float32)
