"""Fréchet distance against closed forms and scipy's matrix root."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from sc_duality.metrics import frechet


@pytest.mark.parametrize("regularisation", [0, 1e-6, 0.5])
def test_equals_the_formula_with_scipys_root(two, regularisation):
    x, y = two()
    a, b = (np.cov(z.T) + regularisation * np.eye(4) for z in (x, y))
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet(x, y, regularisation=regularisation) == pytest.approx(expected)


def test_one_dimension_is_the_difference_of_means_and_deviations(two):
    x, y = two(d=1)
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet(x, y, regularisation=0) == pytest.approx(expected)


def test_converges_to_the_distance_of_the_sampled_gaussians():
    rng = np.random.default_rng(0)
    x = rng.normal(0, [1, 2, 3], (200_000, 3))
    y = rng.normal([1, 0, 0], [2, 2, 1], (200_000, 3))
    assert frechet(x, y) == pytest.approx(1 + 1 + 0 + 4, abs=0.1)


def test_fewer_cells_than_dimensions_are_finite_and_zero_for_the_same_cells(two):
    x, y = two(n=5, m=4, d=40)
    assert np.isfinite(frechet(x, y))
    assert frechet(x, y) > 0
    assert frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet(1e4 * x, 1e4 * x) == pytest.approx(0, abs=1e-4)


def test_invalid_regularisation_raises(two):
    with pytest.raises(ValueError, match="regularisation must be at least 0, got -1"):
        frechet(*two(), regularisation=-1)
