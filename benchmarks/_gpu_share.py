"""The time that a part of ``benchmarks.gpu`` has, and medians of repeated work within it."""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from benchmarks._timing import seconds


class OutOfTimeError(Exception):
    """A part has used its time."""


class Share:
    """Seconds of a part, from now on."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    def left(self) -> float:
        """Seconds that are left, not below 0."""
        return max(0.0, self._end - time.perf_counter())

    def fraction(self, fraction: float) -> Share:
        """A fraction of what is left."""
        return Share(self.left() * fraction)


def medians(work: Mapping[str, Callable[[], Any]], share: Share, most: int) -> dict[str, float]:
    """Median wall seconds of each work over rounds in which each has one turn, after a warm-up.

    Two rounds, and up to ``most`` until the share's end.
    """
    for one in work.values():
        one()
    taken: dict[str, list[float]] = {name: [] for name in work}
    rounds = 0
    while rounds < 2 or (rounds < most and share.left() > 0):
        for name, one in work.items():
            taken[name] += seconds(one, 1)
        rounds += 1
    return {name: statistics.median(times) for name, times in taken.items()}


@contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Raise :class:`OutOfTimeError` in here after ``limit_s`` seconds, where the system has such a timer (POSIX)."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: Any) -> None:
        raise OutOfTimeError(f"stopped after its {limit_s:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(limit_s, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
