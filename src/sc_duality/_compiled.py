"""Compilation of kernels by numba, also where nothing can be written."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
T = TypeVar("T")


def compiled(kernel: Callable[P, T]) -> Callable[P, T]:
    """Compile a kernel, which releases the GIL, and keep the result on disk if possible.

    Numba raises an error where neither the package, nor the home, nor ``NUMBA_CACHE_DIR`` can be written.
    """
    try:
        fast = njit(nogil=True, cache=True)(kernel)
    except RuntimeError:  # no folder for a cache
        return njit(nogil=True)(kernel)

    @wraps(kernel)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return fast(*args, **kwargs)
        except OSError:  # compiled, but not written: the disk is full, or the folder has gone
            return fast(*args, **kwargs)

    return run
