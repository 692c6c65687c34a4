"""Negative mean squared error against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_squared_error

from sc_duality.rewards import negative_mse


@given(
    arrays(np.float32, (5, 3), elements=st.floats(-100, 100, width=32)),
    arrays(np.float32, (5, 3), elements=st.floats(-100, 100, width=32)),
)
def test_negative_mse_is_that_of_scikit_learn(a, b):
    found = negative_mse(a, b)
    expected = [-mean_squared_error(*pair) for pair in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-9)
    np.testing.assert_array_equal(found, negative_mse(b, a))
    assert (found <= 0).all()
    np.testing.assert_array_equal(negative_mse(a, a), 0)


@pytest.mark.parametrize(("a", "b"), [((2, 3), (3, 3)), ((3,), (3,)), ((2, 0), (2, 0))])
def test_other_shapes_raise(a, b):
    with pytest.raises(ValueError, match="same shape"):
        negative_mse(np.zeros(a), np.zeros(b))
