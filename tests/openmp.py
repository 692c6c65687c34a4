"""How OpenMP regions may stand in each other, as tests see it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_info


def levels() -> set[int]:
    """How many regions may stand in each other."""
    return {library.omp_get_max_active_levels() for library in _libraries()}


@contextmanager
def nesting() -> Iterator[None]:
    """Regions may nest, as after numba started its threads."""
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
    """The OpenMP that is loaded, which may be several."""
    return [ctypes.CDLL(found["filepath"]) for found in threadpool_info() if found["user_api"] == "openmp"]
