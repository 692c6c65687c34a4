"""Kendall's τ-b of gene lists and of expression, against scipy and against the definition, pair by pair."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from sc_duality.metrics import kendall, kendall_tau

GENES = tuple("ABCDEF")
cells = st.lists(st.sampled_from("ABCDEFXYZ"), max_size=12)


def by_pairs(truth, generated, genes):
    """Concordant minus discordant pairs over the geometric mean of the numbers of pairs that are not tied (τ-b)."""

    def rank(cell, gene):
        unique = [g for i, g in enumerate(cell) if g not in cell[:i]]
        return unique.index(gene) + 1 if gene in unique else len(unique) + 1

    def sign(x):
        return (x > 0) - (x < 0)

    pairs = [
        [sign(rank(cell, a) - rank(cell, b)) for cell in (truth, generated)] for a, b in combinations(set(genes), 2)
    ]
    free = [sum(pair[i] != 0 for pair in pairs) for i in range(2)]
    return sum(a * b for a, b in pairs) / sqrt(free[0] * free[1]) if all(free) else 0.0


@pytest.mark.parametrize(
    ("truth", "generated", "expected"),
    [
        ("ABC", "ABC", 1),
        ("ABC", "CBA", -1),
        ("ABC", "ACB", 1 / 3),  # two pairs are concordant, one is discordant
        ("ABC", "XAYBZC", 1),  # other genes do not count
        ("ABC", "AABAC", 1),  # a duplicate counts at its first position
        ("ABC", "A", 2 / sqrt(3 * 2)),  # B and C share the last rank
        ("ABC", "", 0),
        ("ABC", "XYZ", 0),
        ("", "ABC", 0),
    ],
)
def test_one_pair_by_hand(truth, generated, expected):
    assert kendall_tau(list(truth), list(generated), list("ABC")) == pytest.approx(expected)


@given(cells, cells)
def test_one_pair_equals_the_definition(truth, generated):
    tau = kendall_tau(truth, generated, GENES)
    assert tau == pytest.approx(by_pairs(truth, generated, GENES))
    assert -1 - 1e-12 <= tau <= 1 + 1e-12
    assert tau == pytest.approx(kendall_tau(generated, truth, GENES))


def test_expression_is_the_mean_of_scipys_over_cells():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, (6, 30)), rng.integers(0, 5, (6, 30))
    assert kendall(x, y) == pytest.approx(np.mean([kendalltau(a, b).statistic for a, b in zip(x, y, strict=True)]))
    assert kendall([[1, 1], [1, 2]], [[1, 2], [1, 2]]) == pytest.approx(0.5)  # a cell with all genes tied counts as 0


@given(st.lists(cells, min_size=1, max_size=4))
def test_lists_are_the_mean_over_cells(truth):
    generated = [[*cell[1:], *cell[:1]] for cell in truth]
    expected = np.mean([by_pairs(a, b, GENES) for a, b in zip(truth, generated, strict=True)])
    assert kendall(truth, generated, genes=GENES) == pytest.approx(expected)


def test_lists_by_hand():
    assert kendall([GENES], [GENES], genes=GENES) == pytest.approx(1)
    assert kendall([GENES], [GENES[::-1]], genes=GENES) == pytest.approx(-1)
    assert kendall([GENES, GENES], [GENES, []], genes=GENES) == pytest.approx(0.5)
    assert kendall([["X", "G1", "G0"]], [["G1", "Y", "G0"]], genes=["G0", "G1"]) == pytest.approx(1)


@pytest.mark.parametrize("genes", [[], ["A"], ["A", "A"]])
def test_fewer_than_two_genes_raise(genes):
    with pytest.raises(ValueError, match="pass at least two different genes"):
        kendall_tau(["A", "B"], ["A", "B"], genes)


def test_invalid_input_raises():
    with pytest.raises(TypeError, match="got the text 'A B'"):
        kendall(["A B"], [["A"]], genes=["A", "B"])
    with pytest.raises(ValueError, match="genes holds 1 duplicates: pass each gene once"):
        kendall([["A"]], [["A"]], genes=["A", "B", "A"])
    with pytest.raises(ValueError, match="pass at least two different genes"):
        kendall([["A"]], [["A"]], genes=["A"])
    with pytest.raises(ValueError, match="2 cells in truth, but 1 in predicted"):
        kendall([["A"], ["B"]], [["A"]], genes=["A", "B"])
    with pytest.raises(ValueError, match="truth has 3 genes and predicted 2"):
        kendall(np.ones((2, 3)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="1 of 2 predicted cells hold NaN"):
        kendall(np.ones((2, 2)), [[1, 2], [np.nan, 1]])


@pytest.mark.parametrize("position", range(3))
def test_a_text_is_refused(position):
    lists = [["BAX", "CASP3"]] * 3
    lists[position] = "BAX"
    with pytest.raises(TypeError, match="expected lists of names, got the text 'BAX'"):
        kendall_tau(*lists)
