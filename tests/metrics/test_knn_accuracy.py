"""Nearest-neighbour accuracy against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from sc_duality.metrics import knn_accuracy


def test_equals_scikit_learns_classifier(two):
    x, y = two(n=60, m=40, shift=0)
    rng = np.random.default_rng(0)
    labels, targets = rng.choice(["B", "T", "NK"], 60), rng.choice(["B", "T", "NK"], 40)
    scores = knn_accuracy(x, labels, y, targets)
    assert list(scores) == [3, 5, 10, 25]
    for k, value in scores.items():
        assert value == pytest.approx(KNeighborsClassifier(k).fit(x, labels).score(y, targets))


def test_by_hand():
    real, labels = np.array([[0.0], [1], [2], [10], [11], [12]]), ["B"] * 3 + ["T"] * 3
    generated, targets = np.array([[1.5], [10.5], [2.5], [11.5]]), ["B", "B", "B", "T"]
    assert knn_accuracy(real, labels, generated, targets, k=[1, 3]) == {1: 0.75, 3: 0.75}
    assert knn_accuracy(real, labels, generated, ["C"] * 4, k=[3]) == {3: 0}


def test_invalid_arguments_raise(two):
    x, y = two()
    with pytest.raises(ValueError, match=r"between 1 and the 30 real cells, got \[0, 31\]"):
        knn_accuracy(x, ["B"] * 30, y, ["B"] * 25, k=[0, 3, 31])
    with pytest.raises(ValueError, match="25 cells, but 24 target_labels: pass one for each"):
        knn_accuracy(x, ["B"] * 30, y, ["B"] * 24)


def test_missing_labels_are_refused():
    with pytest.raises(ValueError, match="1 of 2 values of real_labels are missing"):
        knn_accuracy([[0.0], [1.0]], ["B", None], [[0.0]], ["B"], k=[1])
