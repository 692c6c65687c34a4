"""Gene lists and changes against counting by hand and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, pearsonr

from sc_duality.metrics import gene_overlap, kendall, pearson

GENES = [f"G{i}" for i in range(8)]
lists = st.lists(st.lists(st.sampled_from(GENES), max_size=10), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("truth", "answer", "k", "share", "jaccard"),
    [
        ("A B C D", "D C B A", None, 1, 1),
        ("A B C D", "A B", None, 1 / 2, 1 / 2),
        ("A B", "A B C D", None, 1, 1 / 2),
        ("A B C D", "A X B C", 2, 1 / 2, 1 / 3),
        ("A A B", "A", None, 1 / 2, 1 / 2),
        ("A B", "C D", None, 0, 0),
        ("", "A", None, 0, 0),
        ("", "", None, 0, 0),
    ],
)
def test_overlap_by_hand(truth, answer, k, share, jaccard):
    assert gene_overlap([truth.split()], [answer.split()], k=k) == share
    assert gene_overlap([truth.split()], [answer.split()], k=k, jaccard=True) == jaccard


def test_overlap_is_the_mean_over_cells():
    assert gene_overlap([["A", "B"], ["A"], ["C"]], [["A"], ["A"], []]) == pytest.approx((0.5 + 1 + 0) / 3)


@given(lists)
def test_overlap_bounds_identity_and_symmetry(cells):
    others = cells[::-1]
    for jaccard in (False, True):
        assert 0 <= gene_overlap(cells, others, jaccard=jaccard) <= 1
        assert gene_overlap(cells, cells, jaccard=jaccard) == np.mean([bool(cell) for cell in cells])
    assert gene_overlap(cells, others, jaccard=True) == pytest.approx(gene_overlap(others, cells, jaccard=True))


def test_kendall_is_the_mean_of_scipys_over_cells():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, (6, 30)), rng.integers(0, 5, (6, 30))
    assert kendall(x, y) == pytest.approx(np.mean([kendalltau(a, b).statistic for a, b in zip(x, y, strict=True)]))


def tau_b(a, b):
    """Concordant minus discordant over the geometric mean of the pairs that are not tied."""
    pairs = [(i, j) for i in range(len(a)) for j in range(i)]
    signs = [(np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i, j in pairs]
    free = sum(p != 0 for p, _ in signs) * sum(q != 0 for _, q in signs)
    return sum(p * q for p, q in signs) / np.sqrt(free) if free else 0


@given(lists)
def test_kendall_of_lists_counts_pairs_and_gives_absent_genes_the_last_rank(cells):
    def ranks(cell):
        cell = list(dict.fromkeys(cell))
        return [cell.index(gene) if gene in cell else len(cell) for gene in GENES]

    others = [[*cell[1:], *cell[:1]] for cell in cells]
    expected = np.mean([tau_b(ranks(a), ranks(b)) for a, b in zip(cells, others, strict=True)])
    assert kendall(cells, others, genes=GENES) == pytest.approx(expected)


def test_kendall_of_orders():
    assert kendall([GENES], [GENES], genes=GENES) == pytest.approx(1)
    assert kendall([GENES], [GENES[::-1]], genes=GENES) == pytest.approx(-1)
    assert kendall([GENES, GENES], [GENES, []], genes=GENES) == pytest.approx(0.5)
    assert kendall([["X", "G1", "G0"]], [["G1", "Y", "G0"]], genes=["G0", "G1"]) == pytest.approx(1)


def test_pearson_is_scipys():
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    assert pearson(x, y) == pytest.approx(pearsonr(x, y).statistic)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), st.floats(0.01, 100), st.floats(-100, 100))
def test_pearson_does_not_see_scale_or_shift(values, scale, shift):
    x = np.round(values, 3)
    y = x[::-1]
    if np.ptp(x) == 0:
        assert np.isnan(pearson(x, y))
    else:
        assert -1 <= pearson(x, y) <= 1
        assert pearson(x, y) == pytest.approx(pearson(y, x), abs=1e-6)
        assert pearson(scale * x + shift, x) == pytest.approx(1, abs=1e-6)
        assert pearson(x, -scale * x) == pytest.approx(-1, abs=1e-6)


def test_no_predicted_change_has_no_correlation():
    assert np.isnan(pearson([1, 2, 3], [0.1, 0.1, 0.1]))


def test_what_is_refused():
    with pytest.raises(ValueError, match="2 gene lists in truth, but 1 answers"):
        gene_overlap([["A"], ["B"]], [["A"]])
    with pytest.raises(ValueError, match="there are no gene lists to compare"):
        gene_overlap([], [])
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        gene_overlap([["A"]], [["A"]], k=0)
    with pytest.raises(TypeError, match="expected lists of names, got the text 'CD79A MS4A1': split it first"):
        gene_overlap([["A"]], ["CD79A MS4A1"])
    with pytest.raises(TypeError, match="got the text 'A B'"):
        kendall(["A B"], [["A"]], genes=["A", "B"])
    with pytest.raises(ValueError, match="1 names more than once"):
        kendall([["A"]], [["A"]], genes=["A", "B", "A"])
    with pytest.raises(ValueError, match="got 3 and 2"):
        kendall(np.ones((2, 3)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="1 of 2 answer cells hold NaN"):
        kendall(np.ones((2, 2)), [[1, 2], [np.nan, 1]])
    with pytest.raises(ValueError, match="1 of 3 pairs hold NaN or infinite values: leave them out"):
        pearson([1, 2, np.inf], [1, 2, 3])
    with pytest.raises(ValueError, match=r"got \(3,\) and \(2,\)"):
        pearson([1, 2, 3], [1, 2])
