"""Maximum mean discrepancy against the sum over pairs of cells."""

import numpy as np
import pytest

from sc_duality.metrics import mmd


def over_pairs(x, y, bandwidths):
    def k(a, b):
        return np.mean([np.exp(-((a - b) ** 2).sum() / (2 * s**2)) for s in bandwidths])

    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return xx + yy - 2 * np.mean([[k(a, b) for b in y] for a in x])


def test_equals_the_sum_over_pairs(two):
    x, y = two(n=9, m=7)
    assert mmd(x, y, bandwidths=[0.7, 3]) == pytest.approx(over_pairs(x, y, [0.7, 3]))


def test_default_bandwidths_are_multiples_of_the_median_distance_of_real_cells(two):
    x, y = two(n=9, m=7)
    distances = [np.linalg.norm(x[i] - x[j]) for i in range(9) for j in range(i)]
    assert mmd(x, y) == pytest.approx(over_pairs(x, y, np.median(distances) * np.array([0.5, 1, 2])))


def test_is_unbiased():
    rng = np.random.default_rng(0)
    values = [mmd(rng.normal(size=(6, 2)), rng.normal(size=(5, 2)), bandwidths=[1]) for _ in range(3_000)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0


def test_invalid_bandwidths_raise(two):
    x, y = two()
    for bandwidths in ([], [0], [1, -2], [np.nan]):
        with pytest.raises(ValueError, match="bandwidths must be a list of numbers above 0"):
            mmd(x, y, bandwidths=bandwidths)
    with pytest.raises(ValueError, match="the median distance between real cells is 0.*pass bandwidths="):
        mmd(x * 0, y)
