"""Threads that start no threads of their own."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import threadpool_info


@contextmanager
def one_level() -> Iterator[None]:
    """Let no OpenMP thread start a team of its own.

    Numba's threads, once started by any package, allow that in the whole process. Attention in bfloat16 then starts a
    team for each of its many small products, which makes a small model ten times slower.
    """
    libraries = _libraries()
    before = [library.omp_get_max_active_levels() for library in libraries]
    for library in libraries:
        library.omp_set_max_active_levels(1)
    try:
        yield
    finally:
        for library, levels in zip(libraries, before, strict=True):
            library.omp_set_max_active_levels(levels)


@cache
def _libraries() -> list[ctypes.CDLL]:
    """The OpenMP of torch, which is loaded by now, and whatever others are; MSVC's knows no levels."""
    loaded = [ctypes.CDLL(found["filepath"]) for found in threadpool_info() if found["user_api"] == "openmp"]
    return [library for library in loaded if hasattr(library, "omp_set_max_active_levels")]
