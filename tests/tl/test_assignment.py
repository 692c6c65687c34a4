"""Assignments and their posterior, against all assignments one by one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sc_duality.tl import _assignment
from sc_duality.tl._assignment import assignment_posterior, best_assignment

LOG_PROBABILITIES = st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(
    lambda shape: arrays(float, shape, elements=st.floats(-8, 0))
)


def all_assignments(log_probability):
    """Every assignment, −1 for units without a label, with its likelihood."""
    n_units, n_labels = log_probability.shape
    labels = [*range(n_labels), *[-1] * max(n_units - n_labels, 0)]
    for chosen in set(permutations(labels, n_units)):
        yield chosen, np.exp(sum(log_probability[i, j] for i, j in enumerate(chosen) if j >= 0))


@given(LOG_PROBABILITIES)
def test_the_likeliest_of_all_assignments_and_its_share(log_probability):
    likelihood = dict(all_assignments(log_probability))
    best = tuple(best_assignment(log_probability))
    assert likelihood[best] == pytest.approx(max(likelihood.values()))
    posterior = np.zeros_like(log_probability)
    for chosen, value in likelihood.items():
        for unit, label in enumerate(chosen):
            if label >= 0:
                posterior[unit, label] += value
    np.testing.assert_allclose(assignment_posterior(log_probability), posterior / sum(likelihood.values()), atol=1e-9)


@pytest.mark.parametrize("shape", [(14, 14), (13, 30), (14, 12), (30, 13)])
def test_belief_propagation_is_near_the_exact_posterior(shape, monkeypatch):
    log_probability = np.log(np.random.default_rng(0).dirichlet(np.full(shape[1], 0.3), shape[0]) + 1e-6)
    exact = assignment_posterior(log_probability)
    monkeypatch.setattr(_assignment, "_MAX_EXACT", 0)
    near = assignment_posterior(log_probability)
    assert np.abs(exact - near).max() < 0.05
    assert np.abs(exact - near).mean() < 0.003


def test_large_tables_and_impossible_labels_are_finite():
    rng = np.random.default_rng(1)
    for shape in ((40, 60), (60, 40), (14, 14), (3, 3)):
        posterior = assignment_posterior(rng.uniform(-700, 0, shape))
        assert np.isfinite(posterior).all()
        assert (posterior.sum(axis=1) < 1 + 1e-6).all()
        assert (posterior.sum(axis=0) < 1 + 1e-3).all()
