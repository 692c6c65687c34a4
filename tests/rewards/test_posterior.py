"""Log-likelihood gain and posterior against scipy and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, softmax

from sc_duality.rewards import log_likelihood_gain, posterior

scores = arrays(np.float64, (4, 3), elements=st.floats(-1e4, 0))


def test_gain_by_hand():
    np.testing.assert_allclose(log_likelihood_gain([-6.0, -9.0], [-8.0, -6.0], [4, 3]), [0.5, -1.0])
    assert np.isnan(log_likelihood_gain([-6.0], [-8.0], [0])).all()
    np.testing.assert_allclose(log_likelihood_gain([-6.0, -9.0], [-8.0, -6.0], 2), [1.0, -1.5])


@given(scores)
def test_gain_of_an_answer_without_effect_is_zero_and_its_sign_follows_its_sides(score):
    with_answer, without, _ = score.T
    n = np.array([1, 2, 3, 4])
    np.testing.assert_array_equal(log_likelihood_gain(with_answer, with_answer, n), 0)
    np.testing.assert_array_equal(
        log_likelihood_gain(with_answer, without, n), -log_likelihood_gain(without, with_answer, n)
    )
    np.testing.assert_allclose(log_likelihood_gain(with_answer, without, n) * n, with_answer - without, atol=1e-9)


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


def test_undefined_posteriors_are_nan():
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
def test_invalid_input_raises(arguments, error):
    with pytest.raises(ValueError, match=error):
        posterior(*arguments)
