"""Distances of populations against closed forms and independent implementations, and what must hold for all."""

import builtins

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance
from sklearn.neighbors import KNeighborsClassifier

from sc_duality.metrics import frechet, gromov_wasserstein, knn_accuracy, mmd, wasserstein

DISTANCES = [frechet, mmd, wasserstein, gromov_wasserstein]


def two(seed=0, n=30, m=25, d=4, shift=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) @ rng.normal(size=(d, d)) + shift


# --- Fréchet ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("regularisation", [0, 1e-6, 0.5])
def test_frechet_is_the_formula_with_scipys_root(regularisation):
    x, y = two()
    a, b = (np.cov(z.T) + regularisation * np.eye(4) for z in (x, y))
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet(x, y, regularisation=regularisation) == pytest.approx(expected)


def test_frechet_in_one_dimension_is_the_difference_of_means_and_deviations():
    x, y = two(d=1)
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet(x, y, regularisation=0) == pytest.approx(expected)


def test_frechet_nears_the_distance_of_the_gaussians_that_were_drawn_from():
    rng = np.random.default_rng(0)
    x = rng.normal(0, [1, 2, 3], (200_000, 3))
    y = rng.normal([1, 0, 0], [2, 2, 1], (200_000, 3))
    assert frechet(x, y) == pytest.approx(1 + 1 + 0 + 4, abs=0.1)


def test_frechet_of_fewer_cells_than_dimensions_is_finite_and_zero_for_the_same_cells():
    x, y = two(n=5, m=4, d=40)
    assert np.isfinite(frechet(x, y))
    assert frechet(x, y) > 0
    assert frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet(1e4 * x, 1e4 * x) == pytest.approx(0, abs=1e-4)


# --- MMD --------------------------------------------------------------------------------------------------------


def mmd_by_hand(x, y, bandwidths):
    def k(a, b):
        return np.mean([np.exp(-((a - b) ** 2).sum() / (2 * s**2)) for s in bandwidths])

    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return xx + yy - 2 * np.mean([[k(a, b) for b in y] for a in x])


def test_mmd_is_the_sum_over_pairs():
    x, y = two(n=9, m=7)
    assert mmd(x, y, bandwidths=[0.7, 3]) == pytest.approx(mmd_by_hand(x, y, [0.7, 3]))


def test_default_bandwidths_are_multiples_of_the_median_distance_of_real_cells():
    x, y = two(n=9, m=7)
    distances = [np.linalg.norm(x[i] - x[j]) for i in range(9) for j in range(i)]
    assert mmd(x, y) == pytest.approx(mmd_by_hand(x, y, np.median(distances) * np.array([0.5, 1, 2])))


def test_mmd_is_unbiased():
    rng = np.random.default_rng(0)
    values = [mmd(rng.normal(size=(6, 2)), rng.normal(size=(5, 2)), bandwidths=[1]) for _ in range(3_000)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0


# --- optimal transport ------------------------------------------------------------------------------------------


def test_wasserstein_in_one_dimension_is_scipys():
    x, y = two(d=1)
    assert wasserstein(x, y, p=1) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]))


@pytest.mark.parametrize("p", [1, 2, 3])
def test_wasserstein_of_sorted_numbers_pairs_them_in_order(p):
    x, y = two(n=20, m=20, d=1)
    pairs = np.abs(np.sort(x[:, 0]) - np.sort(y[:, 0]))
    assert wasserstein(x, y, p=p) == pytest.approx((pairs**p).mean() ** (1 / p))


def test_wasserstein_of_a_shift_is_its_length():
    x, _ = two()
    assert wasserstein(x, x + np.array([3, 4, 0, 0])) == pytest.approx(5)


def test_sliced_wasserstein_is_below_the_exact_one_seeded_and_exact_in_one_dimension():
    x, y = two()
    sliced = wasserstein(x, y, n_projections=200, rng=1)
    assert 0 < sliced <= wasserstein(x, y)
    assert sliced == wasserstein(x, y, n_projections=200, rng=1) != wasserstein(x, y, n_projections=200, rng=2)
    x, y = two(d=1)
    assert wasserstein(x, y, n_projections=3) == pytest.approx(wasserstein(x, y))


def test_gromov_wasserstein_of_two_cells_each_is_the_difference_of_their_distances():
    x, y = np.array([[0.0], [2.0]]), np.array([[0.0, 0.0], [3.0, 4.0]])
    assert gromov_wasserstein(x, y) == pytest.approx((2 - 5) ** 2 / 2)


def test_gromov_wasserstein_is_not_above_pots_and_its_plan_gives_the_value():
    x, y = two()
    inner = [np.linalg.norm(z[:, None] - z[None], axis=2) for z in (x, y)]
    weights = np.full(30, 1 / 30), np.full(25, 1 / 25)
    _, log = ot.gromov.gromov_wasserstein2(*inner, *weights, log=True)
    T = log["T"]
    spelled_out = np.einsum("ijkl,ik,jl->", (inner[0][:, :, None, None] - inner[1][None, None]) ** 2, T, T)
    assert gromov_wasserstein(x, y) <= spelled_out + 1e-9


def test_gromov_wasserstein_does_not_see_where_cells_lie():
    x, _ = two()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    moved = (x @ turn + 5)[::-1]
    assert gromov_wasserstein(x, np.hstack([moved, moved[:, :1] * 0])) == pytest.approx(0, abs=1e-9)
    assert gromov_wasserstein(x, 2 * moved) > 1


def test_gromov_wasserstein_samples_with_its_seed():
    x, y = two(n=80, m=90)
    value = gromov_wasserstein(x, y, max_cells=20, rng=3)
    assert value == gromov_wasserstein(x, y, max_cells=20, rng=3) != gromov_wasserstein(x, y, max_cells=20, rng=4)
    assert gromov_wasserstein(x, y, max_cells=None) == gromov_wasserstein(x, y, max_cells=90)


def test_missing_pot_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "ot":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for distance in (wasserstein, gromov_wasserstein):
        with pytest.raises(ImportError, match=r'pip install "sc-duality\[metrics\]"'):
            distance(*two())


# --- k nearest neighbours ---------------------------------------------------------------------------------------


def test_knn_accuracy_is_that_of_sklearns_classifier():
    x, y = two(n=60, m=40, shift=0)
    rng = np.random.default_rng(0)
    labels, asked = rng.choice(["B", "T", "NK"], 60), rng.choice(["B", "T", "NK"], 40)
    found = knn_accuracy(x, labels, y, asked)
    assert list(found) == [3, 5, 10, 25]
    for k, value in found.items():
        assert value == KNeighborsClassifier(k).fit(x, labels).score(y, asked)


def test_knn_accuracy_by_hand():
    real, labels = np.array([[0.0], [1], [2], [10], [11], [12]]), ["B"] * 3 + ["T"] * 3
    generated, asked = np.array([[1.5], [10.5], [2.5], [11.5]]), ["B", "B", "B", "T"]
    assert knn_accuracy(real, labels, generated, asked, k=[1, 3]) == {1: 0.75, 3: 0.75}
    assert knn_accuracy(real, labels, generated, ["C"] * 4, k=[3]) == {3: 0}


# --- what must hold ---------------------------------------------------------------------------------------------

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
def test_a_population_is_at_no_distance_from_itself(seed, n, d):
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


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", DISTANCES)
def test_unusable_populations_are_refused(distance):
    x, y = two()
    hole = y.copy()
    hole[[1, 4], 2] = np.nan
    with pytest.raises(ValueError, match="2 of 25 generated cells hold NaN or infinite values"):
        distance(x, hole)
    with pytest.raises(ValueError, match=r"generated must be an array of cells × dimensions, got the shape \(25,\)"):
        distance(x, y[:, 0])
    with pytest.raises(ValueError, match="0 real cells: at least"):
        distance(x[:0], y)


@pytest.mark.parametrize("distance", [frechet, mmd, wasserstein])
def test_other_dimensions_are_refused(distance):
    x, y = two()
    with pytest.raises(ValueError, match="real cells have 4 dimensions and generated ones 3: embed them in one space"):
        distance(x, y[:, :3])


@pytest.mark.parametrize("distance", [frechet, mmd])
def test_one_cell_has_no_spread(distance):
    x, y = two()
    with pytest.raises(ValueError, match="1 generated cells: at least 2 are needed"):
        distance(x, y[:1])


def test_wrong_arguments_are_refused():
    x, y = two()
    with pytest.raises(ValueError, match="regularisation must be at least 0, got -1"):
        frechet(x, y, regularisation=-1)
    for bandwidths in ([], [0], [1, -2], [np.nan]):
        with pytest.raises(ValueError, match="bandwidths must be a list of numbers above 0"):
            mmd(x, y, bandwidths=bandwidths)
    with pytest.raises(ValueError, match="the median distance between real cells is 0.*pass bandwidths="):
        mmd(x * 0, y)
    with pytest.raises(ValueError, match="p must be at least 1, got 0.5"):
        wasserstein(x, y, p=0.5)
    with pytest.raises(ValueError, match="n_projections must be at least 1, got 0"):
        wasserstein(x, y, n_projections=0)
    with pytest.raises(ValueError, match="max_cells must be at least 1, got 0"):
        gromov_wasserstein(x, y, max_cells=0)
    with pytest.raises(ValueError, match=r"between 1 and the 30 real cells, got \[0, 31\]"):
        knn_accuracy(x, ["B"] * 30, y, ["B"] * 25, k=[0, 3, 31])
    with pytest.raises(ValueError, match="25 cells, but 24 asked_labels"):
        knn_accuracy(x, ["B"] * 30, y, ["B"] * 24)


def test_sparse_cells_are_refused():
    from scipy import sparse

    with pytest.raises(
        TypeError, match=r"real is a sparse matrix: pass an embedding of the cells, or real.toarray\(\)"
    ):
        frechet(sparse.csr_matrix(two()[0]), two()[1])
