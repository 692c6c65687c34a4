"""The compiled kernel against the similarity of one pair of lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sc_duality.metrics import rank_weighted_jaccard, rank_weighted_jaccard_batch


@st.composite
def pairs(draw):
    """Two matrices with the same number of rows, with duplicate genes and padding at any position."""
    n = draw(st.integers(0, 6))
    widths = draw(st.tuples(st.integers(0, 9), st.integers(0, 9)))
    return tuple(draw(arrays(np.int32, (n, width), elements=st.integers(-1, 9))) for width in widths)


@settings(max_examples=200, deadline=None)  # the first example compiles
@given(pairs())
def test_each_row_is_the_similarity_of_its_pair(pair):
    similarity = rank_weighted_jaccard_batch(*pair)
    lists = [[row[row >= 0].tolist() for row in matrix] for matrix in pair]
    assert similarity.dtype == np.float64
    np.testing.assert_allclose(
        similarity, [rank_weighted_jaccard(*row) for row in zip(*lists, strict=True)], rtol=1e-12
    )


def test_rows_are_independent():
    rng = np.random.default_rng(0)
    truth, generated = (rng.permuted(np.tile(np.arange(-3, 30), (500, 1)), axis=1)[:, :20] for _ in range(2))
    together = rank_weighted_jaccard_batch(truth, generated)
    order = rng.permutation(500)
    np.testing.assert_array_equal(rank_weighted_jaccard_batch(truth[order], generated[order]), together[order])
    alone = [rank_weighted_jaccard_batch(truth[i : i + 1], generated[i : i + 1])[0] for i in range(0, 500, 50)]
    np.testing.assert_array_equal(alone, together[::50])


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64])
def test_any_integer_type_and_memory_layout_is_accepted(dtype):
    truth = np.asfortranarray(np.array([[0, 1, 2], [3, 4, 5]], dtype))
    assert rank_weighted_jaccard_batch(truth, truth[:, ::-1]) == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("truth", "generated", "error"),
    [
        ([[0, 1]], [[0, 1], [1, 0]], r"shapes \(1, 2\) and \(2, 2\)"),
        ([0, 1], [0, 1], "pass matrices"),
        ([[0.0]], [[0]], "must be integer indices, got float64 and int64"),
    ],
)
def test_invalid_input_raises(truth, generated, error):
    with pytest.raises((TypeError, ValueError), match=error):
        rank_weighted_jaccard_batch(truth, generated)
