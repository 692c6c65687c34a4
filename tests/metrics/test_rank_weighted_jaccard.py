"""Rank-weighted Jaccard similarity against the formula, worked examples and its properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.metrics import rank_weighted_jaccard

genes = st.lists(st.sampled_from([f"G{i}" for i in range(12)]), max_size=15)
cells = st.lists(st.integers(0, 7), unique=True, max_size=8)


def by_formula(truth, generated):
    """Equation 3, term by term; a duplicate counts at its first position."""

    def weight(gene, cell):
        return 1 / (cell.index(gene) + 1)

    truth = [g for i, g in enumerate(truth) if g not in truth[:i]]
    generated = [g for i, g in enumerate(generated) if g not in generated[:i]]
    shared = sum((weight(g, truth) + weight(g, generated)) / 2 for g in set(truth) & set(generated))
    total = sum(weight(g, truth) for g in truth) + sum(weight(g, generated) for g in set(generated) - set(truth))
    return shared / total if total else 0.0


@pytest.mark.parametrize(
    ("truth", "generated", "expected"),
    [
        ("A B", "A B", 1.0),
        ("A B", "B A", 1.0),  # both orders have the weight 1 + 1/2: swapping two genes averages out
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
def test_by_hand(truth, generated, expected):
    assert rank_weighted_jaccard(truth.split(), generated.split()) == pytest.approx(expected)


@given(genes, genes)
def test_equals_the_formula_within_its_bounds(truth, generated):
    similarity = rank_weighted_jaccard(truth, generated)
    assert similarity == pytest.approx(by_formula(truth, generated))
    assert 0 <= similarity <= 1 + 1e-12


@given(genes.filter(bool))
def test_identical_lists_score_one(cell):
    assert rank_weighted_jaccard(cell, cell) == pytest.approx(1)


@given(cells, cells)
def test_is_one_only_for_the_same_genes_and_zero_only_for_disjoint_genes(a, b):
    similarity = rank_weighted_jaccard(a, b)
    assert (similarity > 1 - 1e-12) == (set(a) == set(b) != set())
    assert (similarity == 0) == (not set(a) & set(b))


@given(st.permutations([f"G{i}" for i in range(6)]))
def test_lists_of_the_same_genes_are_symmetric(cell):
    other = [f"G{i}" for i in range(6)]
    assert rank_weighted_jaccard(cell, other) == pytest.approx(rank_weighted_jaccard(other, cell))


@given(cells, cells)
def test_is_symmetric_only_if_shared_genes_have_the_same_weight_in_both(a, b):
    shared = set(a) & set(b)
    weights = [sum(1 / (cell.index(gene) + 1) for gene in shared) for cell in (a, b)]
    symmetric = rank_weighted_jaccard(a, b) == pytest.approx(rank_weighted_jaccard(b, a), rel=1e-9)
    assert symmetric == (weights[0] == pytest.approx(weights[1], rel=1e-9))


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_is_symmetric_if_shared_genes_have_the_same_ranks(shared, data):
    """Two cells may differ in the genes that they do not share, and in the order of those that they share."""
    a = [f"S{i}" if both else f"A{i}" for i, both in enumerate(shared)]
    permuted = iter(data.draw(st.permutations([gene for gene in a if gene[0] == "S"])))
    b = [next(permuted) if both else f"B{i}" for i, both in enumerate(shared)]
    assert rank_weighted_jaccard(a, b) == pytest.approx(rank_weighted_jaccard(b, a))


def test_is_not_symmetric_in_general():
    # The shared gene B has the weight 1/2 in the first list and 1 in the second.
    assert rank_weighted_jaccard(list("AB"), list("BC")) == pytest.approx(0.75 / (1.5 + 0.5))
    assert rank_weighted_jaccard(list("BC"), list("AB")) == pytest.approx(0.75 / (1.5 + 1.0))


def test_a_cell_sentence_as_text_is_refused():
    with pytest.raises(TypeError, match="expected lists of names, got the text 'CD79A MS4A1'"):
        rank_weighted_jaccard("CD79A MS4A1", ["CD79A"])
