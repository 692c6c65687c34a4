"""Wasserstein distance against scipy and closed forms."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from sc_duality.metrics import wasserstein


def test_one_dimension_equals_scipy(two):
    x, y = two(d=1)
    assert wasserstein(x, y, p=1) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]))


@pytest.mark.parametrize("p", [1, 2, 3])
def test_one_dimension_matches_cells_in_sorted_order(two, p):
    x, y = two(n=20, m=20, d=1)
    pairs = np.abs(np.sort(x[:, 0]) - np.sort(y[:, 0]))
    assert wasserstein(x, y, p=p) == pytest.approx((pairs**p).mean() ** (1 / p))


def test_distance_of_a_shift_is_its_length(two):
    x, _ = two()
    assert wasserstein(x, x + np.array([3, 4, 0, 0])) == pytest.approx(5)


def test_sliced_distance_is_below_the_exact_one_seeded_and_exact_in_one_dimension(two):
    x, y = two()
    sliced = wasserstein(x, y, n_projections=200, rng=1)
    assert 0 < sliced <= wasserstein(x, y)
    assert sliced == wasserstein(x, y, n_projections=200, rng=1) != wasserstein(x, y, n_projections=200, rng=2)
    x, y = two(d=1)
    assert wasserstein(x, y, n_projections=3) == pytest.approx(wasserstein(x, y))


def test_invalid_arguments_raise(two):
    with pytest.raises(ValueError, match="p must be at least 1, got 0.5"):
        wasserstein(*two(), p=0.5)
    with pytest.raises(ValueError, match="n_projections must be at least 1, got 0"):
        wasserstein(*two(), n_projections=0)
