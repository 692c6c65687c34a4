"""Rank-weighted Jaccard similarity against the formula, worked examples and its properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.rewards import rank_weighted_jaccard

genes = st.lists(st.sampled_from([f"G{i}" for i in range(12)]), max_size=15)


def by_formula(truth, generated):
    """Equation 3, term by term, over first places."""

    def weight(gene, cell):
        return 1 / (cell.index(gene) + 1)

    truth = [g for i, g in enumerate(truth) if g not in truth[:i]]
    generated = [g for i, g in enumerate(generated) if g not in generated[:i]]
    shared = sum((weight(g, truth) + weight(g, generated)) / 2 for g in set(truth) & set(generated))
    below = sum(weight(g, truth) for g in truth) + sum(weight(g, generated) for g in set(generated) - set(truth))
    return shared / below if below else 0.0


@pytest.mark.parametrize(
    ("truth", "generated", "expected"),
    [
        ("A B", "A B", 1.0),
        ("A B", "B A", 1.0),  # both orders carry 1 + 1/2: swapping two genes averages out
        ("A B", "C D", 0.0),
        ("A", "A B", 1 / 1.5),
        ("A B", "A", 1 / 1.5),
        ("A B C", "A C D", (1 + (1 / 3 + 1 / 2) / 2) / (1 + 1 / 2 + 1 / 3 + 1 / 3)),
        ("A A B", "A B", 1.0),
        ("", "A", 0.0),
        ("A", "", 0.0),
        ("", "", 0.0),
    ],
)
def test_worked_by_hand(truth, generated, expected):
    assert rank_weighted_jaccard(truth.split(), generated.split()) == pytest.approx(expected)


@given(genes, genes)
def test_follows_the_formula_within_its_bounds(truth, generated):
    found = rank_weighted_jaccard(truth, generated)
    assert found == pytest.approx(by_formula(truth, generated))
    assert 0 <= found <= 1 + 1e-12


@given(genes.filter(bool))
def test_identical_lists_score_one(cell):
    assert rank_weighted_jaccard(cell, cell) == pytest.approx(1)


@given(st.permutations([f"G{i}" for i in range(6)]))
def test_lists_of_the_same_genes_score_the_same_both_ways(cell):
    other = [f"G{i}" for i in range(6)]
    assert rank_weighted_jaccard(cell, other) == pytest.approx(rank_weighted_jaccard(other, cell))
