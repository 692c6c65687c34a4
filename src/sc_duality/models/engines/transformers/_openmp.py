"""OpenMP without nested parallel regions."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import threadpool_info


@contextmanager
def one_level() -> Iterator[None]:
    """Turn off nested OpenMP regions.

    Numba's threads, once started by any package, turn them on in the whole process. Attention in bfloat16 then starts
    a thread team for each of its many small matrix products, which makes a small model ten times slower.
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
    """All OpenMP libraries that are loaded, torch's among them; that of MSVC has no levels."""
    loaded = [ctypes.CDLL(library["filepath"]) for library in threadpool_info() if library["user_api"] == "openmp"]
    return [library for library in loaded if hasattr(library, "omp_set_max_active_levels")]
