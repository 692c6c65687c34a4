"""The linear probe against a softmax regression in plain numpy and scipy, and for input that cannot be split."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

import sc_duality as sd
from sc_duality.metrics import linear_probe


def softmax_regression(x, labels, held_out, C):
    """Predictions of the minimiser of C · loss + half the squared weights, without the intercepts."""
    mean, spread = x[~held_out].mean(0), x[~held_out].std(0)
    x = (x - mean) / spread
    names, codes = np.unique(labels[~held_out], return_inverse=True)
    n, d, k = len(codes), x.shape[1], len(names)

    def loss(flat):
        weights = flat.reshape(d + 1, k)
        scores = x[~held_out] @ weights[:-1] + weights[-1]
        likelihood = scores[np.arange(n), codes] - logsumexp(scores, axis=1)
        return -C * likelihood.sum() + 0.5 * (weights[:-1] ** 2).sum()

    weights = minimize(loss, np.zeros((d + 1) * k), method="L-BFGS-B").x.reshape(d + 1, k)
    return names[(x[held_out] @ weights[:-1] + weights[-1]).argmax(1)]


@pytest.mark.parametrize("C", [0.01, 1.0])
def test_it_is_a_softmax_regression_on_standardised_dimensions(C):
    rng = np.random.default_rng(0)
    labels = np.array(["B", "T", "NK"])[rng.integers(3, size=90)]
    x = rng.normal(size=(90, 3)) * [1, 10, 0.1] + np.unique(labels, return_inverse=True)[1][:, None] * [1, 5, 0.05]
    held_out = np.arange(90) % 3 == 0
    expected = (softmax_regression(x, labels, held_out, C) == labels[held_out]).mean()
    assert linear_probe(x, labels, held_out, C=C).accuracy == pytest.approx(expected, abs=0.04)
    assert 0.4 < expected < 1
    scaled = linear_probe(x * [100, 0.1, 7] + 3, labels, held_out, C=C)
    assert scaled == pytest.approx(linear_probe(x, labels, held_out, C=C), abs=0.04)


def test_real_cells_of_a_type_are_told_apart():
    adata = sd.datasets.pbmc3k()
    sd.tl.embed(adata)
    held_out = np.arange(adata.n_obs) % 2 == 1
    found = linear_probe(adata.obsm["X_cell_sentence"], adata.obs["cell_type"], held_out)
    assert found.accuracy > 0.75
    rng = np.random.default_rng(0)
    chance = linear_probe(rng.normal(size=(adata.n_obs, 5)), adata.obs["cell_type"], held_out)
    assert chance.accuracy < 0.4


def test_a_label_without_training_cells_counts_as_wrong():
    found = linear_probe([[0.0], [1.0], [0.0], [1.0]], list("abac"), [False, False, True, True])
    assert found.accuracy == 0.5


SPLIT = [False, False, True]


@pytest.mark.parametrize(
    ("x", "labels", "split", "message"),
    [
        (np.eye(3), list("abc"), ["d1", "d1", "d2"], "split must be bool, True for held-out cells"),
        (np.eye(3), list("abc"), SPLIT[:2], r"split has the shape \(2,\) for 3 cells"),
        (np.eye(3), list("ab"), SPLIT, r"labels has the shape \(2,\) for 3 cells"),
        (np.eye(3), ["a", None, "b"], SPLIT, "1 of 3 values of labels are missing"),
        (np.eye(3), ["a", float("nan"), "b"], SPLIT, "1 of 3 values of labels are missing"),
        (np.eye(3), list("abc"), [False] * 3, "0 held-out cells"),
        (np.eye(3), list("aab"), SPLIT, "1 labels among the 2 training cells"),
        (np.eye(3) * np.nan, list("aab"), SPLIT, "3 of 3 embedding cells hold NaN"),
    ],
)
def test_bad_input(x, labels, split, message):
    with pytest.raises(ValueError, match=message):
        linear_probe(x, labels, split)
