"""McNemar's test against values of statsmodels, and its symmetry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.metrics import mcnemar

#: Discordant examples b and c with the statistic and p-value of statsmodels 0.14 (exact=False, correction=True).
EXPECTED = [
    (59, 6, 41.6, 1.1199327149542469e-10),
    (10, 25, 5.6, 0.01796047752607879),
    (3, 3, 0.16666666666666666, 0.6830913983096086),
    (1, 0, 0.0, 1.0),
    (12, 5, 2.1176470588235294, 0.1456100953968629),
    (480, 530, 2.377227722772277, 0.12311585781661868),
    (0, 7, 5.142857142857143, 0.02334220201289086),
]


def predictions(n_first, n_second, n_both=4, n_neither=3):
    """Truth and predictions of two classifiers with these numbers of right examples."""
    parts = [("yes", "yes", n_both), ("yes", "no", n_first), ("no", "yes", n_second), ("no", None, n_neither)]
    rows = [(one, other) for one, other, n in parts for _ in range(n)]
    return ["yes"] * len(rows), [one for one, _ in rows], [other for _, other in rows]


@pytest.mark.parametrize(("n_first", "n_second", "statistic", "pvalue"), EXPECTED)
def test_values_of_statsmodels(n_first, n_second, statistic, pvalue):
    found = mcnemar(*predictions(n_first, n_second))
    assert found.statistic == pytest.approx(statistic, rel=1e-12, abs=1e-12)
    assert found.pvalue == pytest.approx(pvalue, rel=1e-12, abs=1e-12)
    assert (found.n_first, found.n_second, found.n) == (n_first, n_second, n_first + n_second + 7)


def test_equal_errors_have_a_pvalue_of_1():
    assert mcnemar(*predictions(0, 0)) == (0.0, 1.0, 0, 0, 7)
    assert mcnemar(["a", "b"], [None, "b"], ["c", "b"]).pvalue == 1


@given(st.lists(st.tuples(*[st.sampled_from(["yes", "no"])] * 3), min_size=1, max_size=60), st.integers(0, 9))
def test_order_of_classifiers_and_examples_does_not_count(rows, seed):
    truth, first, second = np.array(rows).T
    found, swapped = mcnemar(truth, first, second), mcnemar(truth, second, first)
    assert (found.statistic, found.pvalue) == (swapped.statistic, swapped.pvalue)
    assert (found.n_first, found.n_second) == (swapped.n_second, swapped.n_first)
    order = np.random.default_rng(seed).permutation(len(rows))
    assert mcnemar(truth[order], first[order], second[order]) == found
    accuracies = np.mean(truth == first) - np.mean(truth == second)
    assert (found.n_first - found.n_second) / found.n == pytest.approx(accuracies)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [], []), "no labels to compare"),
        ((["a"], ["a", "b"], ["a"]), "1 labels in truth, but 2 in predicted"),
        ((["a"], ["a"], []), "1 labels in truth, but 0 in predicted"),
        ((["a", None], ["a", "a"], ["a", "a"]), "true label of 1 of 2 cells is missing"),
    ],
)
def test_labels_that_do_not_match_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        mcnemar(*arguments)
