"""Properties of all distances of populations, and the input that they reject."""

import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from sc_duality.metrics import frechet, gromov_wasserstein, mmd, wasserstein

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(2, 12), st.integers(2, 12), st.integers(1, 5))
def test_distances_are_symmetric_and_do_not_depend_on_order(seed, n, m, d):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(1, 2, (m, d))
    for distance, options in [
        (frechet, {}),
        (mmd, {"bandwidths": [1, 2]}),
        (wasserstein, {}),
    ]:
        value = distance(x, y, **options)
        assert distance(y, x, **options) == pytest.approx(value, abs=1e-7)
        assert distance(rng.permutation(x), rng.permutation(y), **options) == pytest.approx(value, abs=1e-7)
        assert value >= 0 or distance is mmd
    assert -2 <= mmd(x, y, bandwidths=[1, 2]) <= 2


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(2, 12), st.integers(1, 5))
def test_the_distance_of_a_population_to_itself_is_zero(seed, n, d):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    for distance in (frechet, wasserstein, gromov_wasserstein):
        assert distance(x, rng.permutation(x)) == pytest.approx(0, abs=1e-6)
    assert mmd(x, x) <= 0


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 4))
def test_distances_grow_as_cells_are_moved_away(seed, d):
    x = np.random.default_rng(seed).normal(size=(15, d))
    for distance in (frechet, mmd, wasserstein):
        values = [distance(x, x + step) for step in (0, 1, 3, 10)]
        assert values == sorted(values)


@pytest.mark.parametrize("distance", [frechet, mmd, wasserstein, gromov_wasserstein])
def test_invalid_populations_raise(two, distance):
    x, y = two()
    with_nan = y.copy()
    with_nan[[1, 4], 2] = np.nan
    with pytest.raises(ValueError, match="2 of 25 generated cells hold NaN or infinite values"):
        distance(x, with_nan)
    with pytest.raises(ValueError, match=r"generated must be an array of cells × dimensions, got the shape \(25,\)"):
        distance(x, y[:, 0])
    with pytest.raises(ValueError, match="0 real cells: at least"):
        distance(x[:0], y)


@pytest.mark.parametrize("distance", [frechet, mmd, wasserstein])
def test_different_dimensions_raise(two, distance):
    x, y = two()
    with pytest.raises(ValueError, match="real cells have 4 dimensions and generated cells 3: embed them in one space"):
        distance(x, y[:, :3])


@pytest.mark.parametrize("distance", [frechet, mmd])
def test_a_single_cell_raises(two, distance):
    x, y = two()
    with pytest.raises(ValueError, match="1 generated cells: at least 2 are needed"):
        distance(x, y[:1])


def test_sparse_cells_raise(two):
    x, y = two()
    with pytest.raises(
        TypeError, match=r"real is a sparse matrix: pass an embedding of the cells, or real.toarray\(\)"
    ):
        frechet(sparse.csr_matrix(x), y)


def test_missing_pot_names_the_extra_to_install(two, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "ot":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for distance in (wasserstein, gromov_wasserstein):
        with pytest.raises(ImportError, match=r'pip install "sc-duality\[metrics\]"'):
            distance(*two())
