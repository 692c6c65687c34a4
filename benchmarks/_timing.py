"""Wall time of repeated work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def seconds(work: Callable[[], Any], repeats: int) -> list[float]:
    """Wall seconds of each repeat."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def median_seconds(work: Callable[[], Any], repeats: int) -> float:
    """Median wall seconds after a warm-up."""
    work()
    return statistics.median(seconds(work, repeats))


def per_second(work: Mapping[str, tuple[int, Callable[[], Any]]], rounds: int) -> dict[str, float]:
    """Items per second of each work, as medians over rounds in which each has one turn."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, (_, function) in work.items():
            taken[name] += seconds(function, 1)
    return {name: work[name][0] / statistics.median(times) for name, times in taken.items()}
