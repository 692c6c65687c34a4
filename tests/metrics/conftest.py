from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Populations = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def two() -> Populations:
    """Make two populations of cells × dimensions, the second one stretched and shifted."""

    def make(seed: int = 0, n: int = 30, m: int = 25, d: int = 4, shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        return rng.normal(size=(n, d)), rng.normal(size=(m, d)) @ rng.normal(size=(d, d)) + shift

    return make
