"""Lift, posterior and distance in an embedding against scipy, scikit-learn and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, softmax
from sklearn.metrics import mean_squared_error

from sc_duality.rewards import lift, negative_mse, posterior

scores = arrays(np.float64, (4, 3), elements=st.floats(-1e4, 0))


def test_lift_by_hand():
    np.testing.assert_allclose(lift([-6.0, -9.0], [-8.0, -6.0], [4, 3]), [0.5, -1.0])
    assert np.isnan(lift([-6.0], [-8.0], [0])).all()
    np.testing.assert_allclose(lift([-6.0, -9.0], [-8.0, -6.0], 2), [1.0, -1.5])


@given(scores)
def test_lift_of_an_answer_that_says_nothing_is_zero_and_it_turns_with_its_sides(score):
    with_answer, without, _ = score.T
    n = np.array([1, 2, 3, 4])
    np.testing.assert_array_equal(lift(with_answer, with_answer, n), 0)
    np.testing.assert_array_equal(lift(with_answer, without, n), -lift(without, with_answer, n))
    np.testing.assert_allclose(lift(with_answer, without, n) * n, with_answer - without, atol=1e-9)


@given(scores, st.floats(0.01, 100))
def test_posterior_is_a_softmax_over_labels(score, temperature):
    every = np.stack([posterior(score, np.full(4, label), temperature=temperature) for label in range(3)], 1)
    np.testing.assert_allclose(every, softmax(score / temperature, axis=1), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(every.sum(1), 1)


@given(scores, arrays(np.float64, 3, elements=st.floats(-20, 0)), st.floats(-1e3, 1e3))
def test_prior_counts_and_a_constant_does_not(score, prior, constant):
    chosen = np.array([0, 1, 2, 0])
    found = posterior(score, chosen, log_prior=prior)
    np.testing.assert_allclose(found, softmax(score + prior, axis=1)[np.arange(4), chosen], rtol=1e-9, atol=1e-300)
    shifted = posterior(score + constant, chosen, log_prior=log_softmax(prior))
    np.testing.assert_allclose(shifted, found, rtol=1e-8, atol=1e-300)
    np.testing.assert_array_equal(posterior(score, chosen, log_prior=np.tile(prior, (4, 1))), found)


def test_prior_is_not_tempered():
    found = posterior([[0.0, 0.0]], [0], log_prior=np.log([0.9, 0.1]), temperature=1e9)
    np.testing.assert_allclose(found, 0.9, rtol=1e-6)


def test_what_cannot_be_said_is_nan():
    score = [[0.0, -np.inf], [-np.inf, -np.inf], [np.nan, 0.0], [0.0, 0.0]]
    np.testing.assert_array_equal(posterior(score, [0, 0, 0, -1]), [1, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([[0.0, 0.0]], [2]), "chosen holds 2, but there are only 2 labels"),
        (([[0.0, 0.0]], [-2]), "chosen holds -2"),
        (([[0.0, 0.0]], [0, 1]), r"got \(1, 2\) and \(2,\)"),
        (([0.0, 0.0], [0]), "must be"),
        ((np.empty((1, 0)), [0]), "must be"),
        (([[0.0, 0.0]], [0], None, 0.0), "temperature must be above 0, not 0.0"),
        (([[0.0, 0.0]], [0], None, float("nan")), "temperature"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error):
    with pytest.raises(ValueError, match=error):
        posterior(*arguments)


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
def test_embeddings_of_other_shapes_are_refused(a, b):
    with pytest.raises(ValueError, match="same shape"):
        negative_mse(np.zeros(a), np.zeros(b))
