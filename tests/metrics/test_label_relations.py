"""Relations of labels, and scores by label against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from sc_duality.metrics import label_relations, macro_f1, scores_by_label

TREE = {"CD4": {"T", "lymphocyte"}, "CD8": {"T", "lymphocyte"}, "T": {"lymphocyte"}, "B": {"lymphocyte"}}
LABELS = ["CD4", "CD8", "T", "B", "lymphocyte", "other"]


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None])), min_size=1))
def test_relations_are_those_of_the_tree(pairs):
    truth, predicted = zip(*pairs, strict=True)
    found = label_relations(truth, predicted, TREE)
    assert [one == "exact" for one in found] == [true == one for true, one in pairs]
    assert [one == "coarser" for one in found] == [one in TREE.get(true, ()) for true, one in pairs]
    assert [one == "finer" for one in found] == [true in TREE.get(one, ()) for true, one in pairs]


def test_an_ancestor_set_may_hold_the_label_itself():
    assert label_relations(["T"], ["T"], {"T": {"T"}}) == ["exact"]


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1))
def test_scores_are_those_of_scikit_learn(pairs):
    truth, predicted = zip(*pairs, strict=True)
    found = scores_by_label(truth, predicted)
    assert list(found) == sorted(set(truth))
    expected = precision_recall_fscore_support(truth, predicted, labels=list(found), zero_division=0)
    np.testing.assert_allclose([one[:3] for one in found.values()], np.transpose(expected[:3]))
    assert [one.n_true for one in found.values()] == expected[3].tolist()
    assert np.mean([one.f1 for one in found.values()]) == pytest.approx(macro_f1(truth, predicted))


@pytest.mark.parametrize("function", [lambda *sides: label_relations(*sides, {}), scores_by_label])
def test_invalid_labels_raise(function):
    with pytest.raises(ValueError, match="the true label of 1 of 2 cells is missing"):
        function([None, "a"], ["a", "a"])
    with pytest.raises(ValueError, match="labels"):
        function(["a"], ["a", "a"])
