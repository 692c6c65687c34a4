"""Pearson correlation against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from sc_duality.metrics import pearson


def test_pearson_equals_scipy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    assert pearson(x, y) == pytest.approx(pearsonr(x, y).statistic)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), st.floats(0.01, 100), st.floats(-100, 100))
def test_pearson_is_invariant_to_scale_and_shift(values, scale, shift):
    x = np.round(values, 3)
    y = x[::-1]
    if np.ptp(x) == 0:
        assert np.isnan(pearson(x, y))
    else:
        assert -1 <= pearson(x, y) <= 1
        assert pearson(x, y) == pytest.approx(pearson(y, x), abs=1e-6)
        assert pearson(scale * x + shift, x) == pytest.approx(1, abs=1e-6)
        assert pearson(x, -scale * x) == pytest.approx(-1, abs=1e-6)


def test_correlation_with_a_constant_is_nan():
    assert np.isnan(pearson([1, 2, 3], [0.1, 0.1, 0.1]))


def test_invalid_input_raises():
    with pytest.raises(ValueError, match="1 of 3 pairs hold NaN or infinite values: leave them out"):
        pearson([1, 2, np.inf], [1, 2, 3])
    with pytest.raises(ValueError, match=r"shapes \(3,\) and \(2,\): pass vectors of one length"):
        pearson([1, 2, 3], [1, 2])
