"""ssGSEA by ranks, against the running sum of its definition and against ranks of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse
from scipy.stats import rankdata

import sc_duality as sd
from sc_duality.metrics import ssgsea

GENES = [f"G{i}" for i in range(12)]
profiles = arrays.arrays(np.int64, st.tuples(st.integers(1, 4), st.just(12)), elements=st.integers(-3, 6))
gene_sets = st.lists(st.sampled_from(GENES), min_size=1, max_size=11, unique=True)


def running_sum(profile: np.ndarray, members: np.ndarray) -> float:
    """ssGSEA with weight 0 (Barbie et al. 2009): sum over positions of the steps up in the set and down elsewhere."""
    hit = members[np.argsort(-profile, kind="stable")]
    return float((np.cumsum(hit / hit.sum()) - np.cumsum(~hit / (~hit).sum())).sum())


def mean_rank_difference(X: np.ndarray, members: np.ndarray) -> np.ndarray:
    ranks = rankdata(X, axis=1)
    return ranks[:, members].mean(axis=1) - ranks[:, ~members].mean(axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_running_sum_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.permuted(np.tile(np.arange(40.0), (6, 1)), axis=1)
    genes = [f"G{i}" for i in range(40)]
    members = rng.permutation(np.arange(40) < 1 + 5 * seed)
    found = ssgsea(X, genes, np.array(genes)[members])
    np.testing.assert_allclose(found, [running_sum(row, members) for row in X], atol=1e-9)


@given(profiles, gene_sets)
def test_ties_share_their_mean_rank(X: np.ndarray, gene_set: list[str]) -> None:
    expected = mean_rank_difference(X, np.isin(GENES, gene_set))
    np.testing.assert_allclose(ssgsea(X, GENES, gene_set), expected, atol=1e-9)
    for matrix in (sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix):
        np.testing.assert_allclose(ssgsea(matrix(X), GENES, gene_set), expected, atol=1e-9)


@given(profiles, gene_sets, st.permutations(range(12)))
def test_the_order_of_genes_does_not_matter(X: np.ndarray, gene_set: list[str], order: list[int]) -> None:
    found = ssgsea(X[:, order], [GENES[i] for i in order], gene_set[::-1])
    np.testing.assert_allclose(found, ssgsea(X, GENES, gene_set), atol=1e-9)


@given(profiles, gene_sets)
def test_only_the_order_of_values_matters(X: np.ndarray, gene_set: list[str]) -> None:
    expected = ssgsea(X, GENES, gene_set)
    for changed in (np.exp(X), X + 10, 3.0 * X, X.astype(np.float32)):
        np.testing.assert_allclose(ssgsea(changed, GENES, gene_set), expected, atol=1e-9)
    np.testing.assert_allclose(ssgsea(-X, GENES, gene_set), -expected, atol=1e-9)


@given(profiles, gene_sets)
def test_lies_between_minus_and_plus_half_the_genes(X: np.ndarray, gene_set: list[str]) -> None:
    others = [gene for gene in GENES if gene not in gene_set]
    found = ssgsea(X, GENES, gene_set)
    assert (np.abs(found) <= 6 + 1e-9).all()
    np.testing.assert_allclose(ssgsea(X, GENES, others), -found, atol=1e-9)


def test_blocks_and_explicit_zeros_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = sd.datasets.pbmc3k()[:50]
    genes, gene_set = cells.var_names.tolist(), ["CD3D", "CD3E", "IL32", "not measured"]
    expected = mean_rank_difference(cells.X.toarray(), np.isin(genes, gene_set))
    np.testing.assert_allclose(ssgsea(cells.X, genes, gene_set), expected, rtol=1e-9)
    stored = sparse.csr_matrix(cells.X, copy=True)
    stored.data[:100] = 0
    expected = mean_rank_difference(stored.toarray(), np.isin(genes, gene_set))
    monkeypatch.setattr("sc_duality.metrics._ssgsea._BLOCK_VALUES", 7 * len(genes))
    np.testing.assert_allclose(ssgsea(stored, genes, gene_set), expected, rtol=1e-9)
    np.testing.assert_allclose(ssgsea(stored.toarray(), genes, gene_set), expected, rtol=1e-9)
    assert (stored.data[:100] == 0).all()


def test_several_sets_are_those_of_each() -> None:
    X = np.random.default_rng(0).poisson(1.0, (5, 12))
    sets = {"one": GENES[:3], "other": GENES[2:9]}
    found = ssgsea(X, GENES, sets)
    assert list(found) == ["one", "other"]
    for name, gene_set in sets.items():
        np.testing.assert_array_equal(found[name], ssgsea(X, GENES, gene_set))
    assert ssgsea(np.zeros((0, 12)), GENES, GENES[:2]).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((2, 12)), GENES, "G1"), TypeError, "got the text 'G1'"),
        ((np.ones((2, 12)), GENES, {"hallmark": "G1"}), TypeError, "got the text 'G1'"),
        ((np.ones((2, 12)), GENES, {"hallmark": ["X", "Y"]}), ValueError, "none of the 2 genes of 'hallmark'"),
        ((np.ones((2, 12)), GENES, []), ValueError, "none of the 0 genes"),
        ((np.ones((2, 12)), GENES, {}), ValueError, "there is no gene set"),
        ((np.ones((2, 12)), GENES, GENES), ValueError, "has all 12 genes"),
        ((np.ones((2, 11)), GENES, GENES[:2]), ValueError, r"the shape \(2, 11\), but there are 12 genes"),
        ((np.ones(12), GENES, GENES[:2]), ValueError, "profiles × genes"),
        ((np.ones((2, 12)), [*GENES[:11], "G0"], GENES[:2]), ValueError, "genes has 1 duplicates"),
        ((np.full((2, 12), np.nan), GENES, GENES[:2]), ValueError, "missing or infinite values"),
        ((sparse.csr_matrix(np.full((2, 12), np.inf)), GENES, GENES[:2]), ValueError, "missing or infinite values"),
    ],
)
def test_invalid_input_raises(arguments: tuple, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ssgsea(*arguments)
