"""Labels and puzzles against sklearn and counting by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from sc_duality.metrics import accuracy, macro_f1, puzzle_scores

names = st.sampled_from(["B", "T", "NK"])
pairs = st.lists(st.tuples(names, st.one_of(names, st.none(), st.just("Mast"))), min_size=1, max_size=30)


@given(pairs)
def test_scores_are_sklearns_with_missing_answers_wrong(cells):
    truth, answers = zip(*cells, strict=True)
    filled = [answer or "no answer" for answer in answers]
    assert accuracy(truth, answers) == pytest.approx(accuracy_score(truth, filled))
    expected = f1_score(truth, filled, labels=sorted(set(truth)), average="macro", zero_division=0)
    assert macro_f1(truth, answers) == pytest.approx(expected)


@given(pairs, st.randoms())
def test_scores_do_not_depend_on_order(cells, random):
    shuffled = random.sample(cells, len(cells))
    for score in (accuracy, macro_f1):
        assert score(*zip(*cells, strict=True)) == pytest.approx(score(*zip(*shuffled, strict=True)))


def test_macro_f1_by_hand():
    truth = ["B", "B", "B", "T", "T", "NK"]
    answers = ["B", "B", "T", "T", "Mast", None]
    assert accuracy(truth, answers) == 0.5
    assert macro_f1(truth, answers) == pytest.approx((4 / 5 + 2 / 4 + 0) / 3)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_a_missing_answer_is_wrong_whatever_it_is_made_of(missing):
    assert accuracy(["B", "T"], ["B", missing]) == 0.5
    assert macro_f1(["B", "T"], ["B", missing]) == 0.5
    with pytest.raises(ValueError, match="the true label of 1 of 2 cells is missing: leave them out"):
        accuracy(["B", missing], ["B", "T"])


def test_numbered_clusters_are_labels():
    assert accuracy([1, 2], ["1", "2"]) == 1
    assert accuracy(pd.Series([1, 2], dtype="category"), np.array([1, 1])) == 0.5


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (["B", "T", "NK"], (1, 1, 1, 1)),
        (["B", "NK", "T"], (1 / 3, 0, 1, 1)),
        (["B", "B", "B"], (1 / 3, 0, 1, 1 / 3)),
        (["T", "NK", "B"], (0, 0, 1, 1)),
        (["B", "T"], (0, 0, 0, 0)),
        (["B", "T", "NK", "NK"], (0, 0, 0, 0)),
        ([], (0, 0, 0, 0)),
        (None, (0, 0, 0, 0)),
    ],
)
def test_a_puzzle_by_hand(answer, expected):
    found = puzzle_scores([["B", "T", "NK"]], [answer])
    assert tuple(found.values()) == pytest.approx(expected)


def test_puzzles_weigh_the_same_whatever_their_size():
    truth = [["B", "T"], ["B", "T", "NK", "Mast"], ["B", "T"]]
    found = puzzle_scores(truth, [["B", "T"], ["B", "T", "Mast", "NK"], None])
    assert found == pytest.approx(
        {"cell_accuracy": 0.5, "batch_accuracy": 1 / 3, "format_validity": 2 / 3, "uniqueness": 2 / 3}
    )


@given(st.lists(st.permutations(["B", "T", "NK"]), min_size=1, max_size=5))
def test_puzzle_bounds(truth):
    assert set(puzzle_scores(truth, truth).values()) == {1.0}
    found = puzzle_scores(truth, [labels[::-1] for labels in truth])
    assert all(0 <= value <= 1 for value in found.values())
    assert found["batch_accuracy"] <= found["cell_accuracy"] <= found["format_validity"]


def test_what_is_refused():
    with pytest.raises(ValueError, match="2 labels in truth, but 1 answers: give one for each"):
        accuracy(["B", "T"], ["B"])
    with pytest.raises(ValueError, match="there are no labels to compare"):
        macro_f1([], [])
    with pytest.raises(ValueError, match="1 of 2 batches hold no cells: leave them out"):
        puzzle_scores([["B"], []], [["B"], []])
    with pytest.raises(TypeError, match=r"got the text 'B \| T': split it first"):
        puzzle_scores([["B", "T"]], ["B | T"])
