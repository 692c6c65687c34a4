"""The batch kernel against the similarity of one pair, and the properties of the measure itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sc_duality.rewards import rank_weighted_jaccard, rank_weighted_jaccard_batch

cells = st.lists(st.integers(0, 7), unique=True, max_size=8)


@st.composite
def pairs(draw):
    """Two padded matrices with as many rows, doubled genes and padding anywhere."""
    n = draw(st.integers(0, 6))
    widths = draw(st.tuples(st.integers(0, 9), st.integers(0, 9)))
    return tuple(draw(arrays(np.int32, (n, width), elements=st.integers(-1, 9))) for width in widths)


@settings(max_examples=200, deadline=None)  # the first one compiles
@given(pairs())
def test_each_row_is_the_similarity_of_its_pair(pair):
    found = rank_weighted_jaccard_batch(*pair)
    lists = [[row[row >= 0].tolist() for row in matrix] for matrix in pair]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [rank_weighted_jaccard(*row) for row in zip(*lists, strict=True)], rtol=1e-12)


def test_rows_do_not_see_each_other():
    rng = np.random.default_rng(0)
    truth, generated = (rng.permuted(np.tile(np.arange(-3, 30), (500, 1)), axis=1)[:, :20] for _ in range(2))
    together = rank_weighted_jaccard_batch(truth, generated)
    order = rng.permutation(500)
    np.testing.assert_array_equal(rank_weighted_jaccard_batch(truth[order], generated[order]), together[order])
    alone = [rank_weighted_jaccard_batch(truth[i : i + 1], generated[i : i + 1])[0] for i in range(0, 500, 50)]
    np.testing.assert_array_equal(alone, together[::50])


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64])
def test_any_integers_and_any_layout_will_do(dtype):
    truth = np.asfortranarray(np.array([[0, 1, 2], [3, 4, 5]], dtype))
    assert rank_weighted_jaccard_batch(truth, truth[:, ::-1]) == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("truth", "generated", "error"),
    [
        ([[0, 1]], [[0, 1], [1, 0]], r"shapes \(1, 2\) and \(2, 2\)"),
        ([0, 1], [0, 1], "two matrices"),
        ([[0.0]], [[0]], "must be integer indices, got float64 and int64"),
    ],
)
def test_what_does_not_fit_is_refused(truth, generated, error):
    with pytest.raises((TypeError, ValueError), match=error):
        rank_weighted_jaccard_batch(truth, generated)


@given(cells, cells)
def test_it_is_one_for_the_same_genes_only_and_zero_for_disjoint_ones_only(a, b):
    found = rank_weighted_jaccard(a, b)
    assert (found > 1 - 1e-12) == (set(a) == set(b) != set())
    assert (found == 0) == (not set(a) & set(b))


@given(cells, cells)
def test_it_is_symmetric_just_where_shared_genes_weigh_as_much_in_both(a, b):
    shared = set(a) & set(b)
    weigh = [sum(1 / (cell.index(gene) + 1) for gene in shared) for cell in (a, b)]
    alike = rank_weighted_jaccard(a, b) == pytest.approx(rank_weighted_jaccard(b, a), rel=1e-9)
    assert alike == (weigh[0] == pytest.approx(weigh[1], rel=1e-9))


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_shared_genes_at_the_same_places_make_it_symmetric(shared, data):
    """As for two cells that differ in some genes, while the others swap places at most."""
    a = [f"S{i}" if both else f"A{i}" for i, both in enumerate(shared)]
    moved = iter(data.draw(st.permutations([gene for gene in a if gene[0] == "S"])))
    b = [next(moved) if both else f"B{i}" for i, both in enumerate(shared)]
    assert rank_weighted_jaccard(a, b) == pytest.approx(rank_weighted_jaccard(b, a))


def test_it_is_not_symmetric_in_general():
    # shared: B, with weight 1/2 in the first and 1 in the second list
    assert rank_weighted_jaccard("AB", "BC") == pytest.approx(0.75 / (1.5 + 0.5))
    assert rank_weighted_jaccard("BC", "AB") == pytest.approx(0.75 / (1.5 + 1.0))
