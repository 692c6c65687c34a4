"""FOSCTTM against loops over cells, and for input that has no meaning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

from sc_duality.metrics import foscttm


def expected(cells, own, bulks, groups):
    """Cell by cell, pair by pair."""
    forward, reverse = [], []
    for i, cell in enumerate(cells):
        other = [j for j in range(len(bulks)) if j != groups[i]]
        foreign = [j for j in range(len(cells)) if groups[j] != groups[i]]
        match = cosine(cell, own[i])
        forward.append(np.mean([cosine(cell, bulks[j]) < match - 1e-9 for j in other]))
        reverse.append(np.mean([cosine(own[i], cells[j]) < match - 1e-9 for j in foreign]))
    return np.mean(forward), np.mean(reverse)


@given(st.integers(2, 5), st.integers(0, 10_000))
def test_it_is_the_share_that_is_nearer(n_groups, seed):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(n_groups), np.arange(n_groups), rng.integers(n_groups, size=4)])
    x, y = rng.normal(size=(len(groups), 3)) + 0.3, rng.normal(size=(n_groups, 3))
    assert foscttm(x, y, groups) == pytest.approx(expected(x, y[groups], y, groups))
    means = np.array([x[groups == i].mean(0) for i in range(n_groups)])
    assert foscttm(x, None, groups) == pytest.approx(expected(x, means[groups], means, groups))
    without = np.array([np.delete(x, i, 0)[np.delete(groups, i) == group].mean(0) for i, group in enumerate(groups)])
    names = np.array([f"group {i}" for i in range(n_groups)])[groups]
    found = foscttm(x, None, names, leave_out=True)
    assert found == pytest.approx(expected(x, without, means, groups))


def test_perfect_and_worst_and_shared_bulks():
    y = np.eye(3)
    assert foscttm(y, y, [0, 1, 2]) == (0, 0)
    assert foscttm(y[:2], y[:2], [1, 0]) == (1, 1)
    assert foscttm([[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]] * 2, [0, 1]) == (0, 0), "equally near is not nearer"
    assert foscttm(np.eye(2), np.eye(2)[[0, 1, 1]], [0, 1]).cell_to_bulk == 0, "nor is a bulk with the same vector"


def test_random_vectors_are_at_chance():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 10)
    found = foscttm(rng.normal(size=(200, 8)), rng.normal(size=(20, 8)), groups)
    assert found == pytest.approx((0.5, 0.5), abs=0.08)


@pytest.mark.parametrize(
    ("x", "y", "groups", "options", "message"),
    [
        (np.eye(2), np.eye(2), ["a", "b"], {}, r"groups must be integers \(2,\), the row of y of each cell"),
        (np.eye(2), np.eye(2), [0], {}, r"groups must be integers \(2,\)"),
        (np.eye(2), np.eye(2), [0, 2], {}, "groups holds rows from 0 to 2, but y has 2 rows"),
        (np.eye(2), np.eye(2), [-1, 0], {}, "groups holds rows from -1"),
        (np.eye(2), np.eye(3), [0, 1], {}, "x has 2 dimensions and y 3"),
        (np.eye(2), [[1.0, 0.0]], [0, 0], {}, "cells of two groups or more are needed"),
        (np.eye(2), None, ["a", "a"], {}, "cells of two groups or more are needed"),
        (np.eye(2), None, ["a"], {}, r"groups has the shape \(1,\) for 2 cells"),
        ([[1.0, 0.0], [0.0, 0.0]], np.eye(2), [0, 1], {}, "1 vectors of x are 0"),
        ([[1.0, np.nan], [0.0, 1.0]], np.eye(2), [0, 1], {}, "1 of 2 x cells hold NaN"),
        (np.eye(2), np.eye(2), [0, 1], {"leave_out": True}, "leave_out=True needs y=None"),
        (np.eye(3), None, list("aab"), {"leave_out": True}, "the group 'b' has one cell"),
    ],
)
def test_bad_input(x, y, groups, options, message):
    with pytest.raises(ValueError, match=message):
        foscttm(x, y, groups, **options)


def test_missing_groups_are_refused():
    with pytest.raises(ValueError, match="2 of 4 values of groups are missing"):
        foscttm(np.eye(4), None, ["a", None, "b", np.nan])
