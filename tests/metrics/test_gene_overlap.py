"""Overlap of gene lists against values computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.metrics import gene_overlap

GENES = [f"G{i}" for i in range(8)]
lists = st.lists(st.lists(st.sampled_from(GENES), max_size=10), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("truth", "predicted", "k", "share", "jaccard"),
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
def test_overlap_by_hand(truth, predicted, k, share, jaccard):
    assert gene_overlap([truth.split()], [predicted.split()], k=k) == pytest.approx(share)
    assert gene_overlap([truth.split()], [predicted.split()], k=k, jaccard=True) == pytest.approx(jaccard)


def test_overlap_is_the_mean_over_cells():
    assert gene_overlap([["A", "B"], ["A"], ["C"]], [["A"], ["A"], []]) == pytest.approx((0.5 + 1 + 0) / 3)


@given(lists)
def test_overlap_bounds_identity_and_symmetry(cells):
    others = cells[::-1]
    for jaccard in (False, True):
        assert 0 <= gene_overlap(cells, others, jaccard=jaccard) <= 1
        assert gene_overlap(cells, cells, jaccard=jaccard) == np.mean([bool(cell) for cell in cells])
    assert gene_overlap(cells, others, jaccard=True) == pytest.approx(gene_overlap(others, cells, jaccard=True))


def test_invalid_input_raises():
    with pytest.raises(ValueError, match="2 gene lists in truth, but 1 in predicted: pass one for each"):
        gene_overlap([["A"], ["B"]], [["A"]])
    with pytest.raises(ValueError, match="there are no gene lists to compare"):
        gene_overlap([], [])
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        gene_overlap([["A"]], [["A"]], k=0)
    with pytest.raises(TypeError, match="expected lists of names, got the text 'CD79A MS4A1': split it first"):
        gene_overlap([["A"]], ["CD79A MS4A1"])
