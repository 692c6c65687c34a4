"""Gromov–Wasserstein discrepancy against closed forms and POT's plan."""

import numpy as np
import ot
import pytest

from sc_duality.metrics import gromov_wasserstein


def test_two_cells_each_give_the_difference_of_their_distances():
    x, y = np.array([[0.0], [2.0]]), np.array([[0.0, 0.0], [3.0, 4.0]])
    assert gromov_wasserstein(x, y) == pytest.approx((2 - 5) ** 2 / 2)


def test_is_at_most_the_value_of_pots_plan(two):
    x, y = two()
    distances = [np.linalg.norm(z[:, None] - z[None], axis=2) for z in (x, y)]
    weights = np.full(30, 1 / 30), np.full(25, 1 / 25)
    _, log = ot.gromov.gromov_wasserstein2(*distances, *weights, log=True)
    T = log["T"]
    squares = (distances[0][:, :, None, None] - distances[1][None, None]) ** 2
    assert gromov_wasserstein(x, y) <= np.einsum("ijkl,ik,jl->", squares, T, T) + 1e-9


def test_is_invariant_to_shift_and_rotation(two):
    x, _ = two()
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    moved = (x @ rotation + 5)[::-1]
    assert gromov_wasserstein(x, np.hstack([moved, moved[:, :1] * 0])) == pytest.approx(0, abs=1e-9)
    assert gromov_wasserstein(x, 2 * moved) > 1


def test_cells_with_the_same_mean_distance_are_matched():
    cells = np.array([[-1.1], [1.0], [3.6], [4.2]])  # the two middle cells have the same mean distance
    for order in ([0, 1, 2, 3], [0, 2, 1, 3], [2, 3, 0, 1]):
        assert gromov_wasserstein(cells, cells[order]) == pytest.approx(0, abs=1e-9)


def test_subsampling_is_seeded(two):
    x, y = two(n=80, m=90)
    value = gromov_wasserstein(x, y, max_cells=20, rng=3)
    assert value == gromov_wasserstein(x, y, max_cells=20, rng=3) != gromov_wasserstein(x, y, max_cells=20, rng=4)
    assert gromov_wasserstein(x, y, max_cells=None) == gromov_wasserstein(x, y, max_cells=90)


def test_invalid_max_cells_raises(two):
    with pytest.raises(ValueError, match="max_cells must be at least 1, got 0"):
        gromov_wasserstein(*two(), max_cells=0)
