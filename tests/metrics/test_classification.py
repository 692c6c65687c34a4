"""Accuracy and macro F1 against scikit-learn and by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from sc_duality.metrics import accuracy, macro_f1

names = st.sampled_from(["B", "T", "NK"])
pairs = st.lists(st.tuples(names, st.one_of(names, st.none(), st.just("Mast"))), min_size=1, max_size=30)


@given(pairs)
def test_scores_equal_scikit_learn_with_missing_predictions_as_wrong(cells):
    truth, predicted = zip(*cells, strict=True)
    filled = [label or "missing" for label in predicted]
    assert accuracy(truth, predicted) == pytest.approx(accuracy_score(truth, filled))
    expected = f1_score(truth, filled, labels=sorted(set(truth)), average="macro", zero_division=0)
    assert macro_f1(truth, predicted) == pytest.approx(expected)


@given(pairs, st.randoms())
def test_scores_do_not_depend_on_the_order_of_cells(cells, random):
    shuffled = random.sample(cells, len(cells))
    for score in (accuracy, macro_f1):
        assert score(*zip(*cells, strict=True)) == pytest.approx(score(*zip(*shuffled, strict=True)))


def test_macro_f1_by_hand():
    truth = ["B", "B", "B", "T", "T", "NK"]
    predicted = ["B", "B", "T", "T", "Mast", None]
    assert accuracy(truth, predicted) == 0.5
    assert macro_f1(truth, predicted) == pytest.approx((4 / 5 + 2 / 4 + 0) / 3)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, "nan"])
def test_a_missing_prediction_is_wrong_and_a_missing_truth_raises(missing):
    assert accuracy(["B", "T"], ["B", missing]) == 0.5
    assert macro_f1(["B", "T"], ["B", missing]) == 0.5
    with pytest.raises(ValueError, match="the true label of 1 of 2 cells is missing: leave them out"):
        accuracy(["B", missing], ["B", "T"])


def test_numbered_clusters_are_labels():
    assert accuracy([1, 2], ["1", "2"]) == 1
    assert accuracy(pd.Series([1, 2], dtype="category"), np.array([1, 1])) == 0.5


def test_invalid_input_raises():
    with pytest.raises(ValueError, match="2 labels in truth, but 1 in predicted: pass one for each"):
        accuracy(["B", "T"], ["B"])
    with pytest.raises(ValueError, match="there are no labels to compare"):
        macro_f1([], [])
