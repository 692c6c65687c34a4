"""The four scores of Cell-o1 puzzles by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.metrics import puzzle_scores, scores_by_puzzle


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (["B", "T", "NK"], (1, 1, 1, 1)),
        (["B", "NK", "T"], (1 / 3, 0, 1, 1)),
        (["B", "B", "B"], (1 / 3, 0, 1, 1 / 3)),
        (["T", "NK", "B"], (0, 0, 1, 1)),
        (["B", "T"], (0, 0, 0, 0)),
        (["B", "T", "NK", "NK"], (0, 0, 0, 0)),
        ([], (0, 0, 0, 0)),
        (None, (0, 0, 0, 0)),
        (["B", None, "NK"], (2 / 3, 0, 0, 2 / 3)),
        ([None, None, None], (0, 0, 0, 0)),
    ],
)
def test_one_puzzle_by_hand(predicted, expected):
    scores = puzzle_scores([["B", "T", "NK"]], [predicted])
    assert tuple(scores.values()) == pytest.approx(expected)


def test_puzzles_have_the_same_weight_at_any_size():
    truth = [["B", "T"], ["B", "T", "NK", "Mast"], ["B", "T"]]
    scores = puzzle_scores(truth, [["B", "T"], ["B", "T", "Mast", "NK"], None])
    assert scores == pytest.approx(
        {"cell_accuracy": 0.5, "batch_accuracy": 1 / 3, "format_validity": 2 / 3, "uniqueness": 2 / 3}
    )


def test_scores_of_each_puzzle():
    scores = scores_by_puzzle([["B", "T"], ["B", "T", "NK"], ["B"]], [["B", "T"], ["B", "NK", "T"], None])
    assert scores["cell_accuracy"].tolist() == pytest.approx([1, 1 / 3, 0])
    assert scores["batch_accuracy"].tolist() == [1, 0, 0]
    assert scores["format_validity"].tolist() == [1, 1, 0]


@given(st.lists(st.permutations(["B", "T", "NK"]), min_size=1, max_size=5))
def test_bounds(truth):
    assert set(puzzle_scores(truth, truth).values()) == {1.0}
    scores = puzzle_scores(truth, [labels[::-1] for labels in truth])
    assert all(0 <= value <= 1 for value in scores.values())
    assert scores["batch_accuracy"] <= scores["cell_accuracy"] <= scores["format_validity"]


def test_invalid_input_raises():
    with pytest.raises(ValueError, match="1 of 2 batches hold no cells: leave them out"):
        puzzle_scores([["B"], []], [["B"], []])
    with pytest.raises(TypeError, match=r"got the text 'B \| T': split it first"):
        puzzle_scores([["B", "T"]], ["B | T"])
