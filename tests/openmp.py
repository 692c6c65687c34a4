"""Nested OpenMP regions, as tests see and set them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_info


def active_levels() -> set[int]:
    """Maximum number of nested regions of each library of torch."""
    return {library.omp_get_max_active_levels() for library in _libraries()}


@contextmanager
def nested_regions() -> Iterator[None]:
    """Turn on nested regions, as numba's threads do."""
    libraries = _libraries()
    before = [library.omp_get_max_active_levels() for library in libraries]
    for library in libraries:
        library.omp_set_max_active_levels(4)
    try:
        yield
    finally:
        for library, level in zip(libraries, before, strict=True):
            library.omp_set_max_active_levels(level)


def _libraries() -> list[ctypes.CDLL]:
    """The OpenMP libraries of torch; other packages load their own, which no model uses."""
    openmp = [library["filepath"] for library in threadpool_info() if library["user_api"] == "openmp"]
    return [ctypes.CDLL(path) for path in openmp if "torch" in path]
