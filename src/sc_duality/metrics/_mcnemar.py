"""McNemar's test: whether two classifiers are right equally often on the same test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._classification import paired_labels


class McNemar(NamedTuple):
    """Result of McNemar's test.

    Parameters
    ----------
    statistic
        χ² with continuity correction, one degree of freedom.
    pvalue
        Probability of this statistic or a larger one if both classifiers are right equally often.
    n_first
        Examples that only the first classifier gets right.
    n_second
        Examples that only the second classifier gets right.
    n
        All examples.

    Examples
    --------
    >>> from sc_duality.metrics import McNemar
    >>> McNemar(statistic=5.6, pvalue=0.018, n_first=10, n_second=25, n=100).n_second
    25
    """

    statistic: float
    pvalue: float
    n_first: int
    n_second: int
    n: int


def mcnemar(
    truth: Sequence[object] | np.ndarray, first: Sequence[object] | np.ndarray, second: Sequence[object] | np.ndarray
) -> McNemar:
    """McNemar's test with continuity correction: whether two classifiers differ on the same examples.

    χ² = (abs(b − c) − 1)² / (b + c), where b and c are the numbers of examples that only the first and only the second
    classifier gets right. Labels are compared as exact strings; a missing prediction counts as wrong.

    Parameters
    ----------
    truth
        The true label of each example.
    first, second
        The predicted labels of both classifiers, in the same order.

    Returns
    -------
    ``statistic``, ``pvalue``, ``n_first`` (b), ``n_second`` (c) and ``n``. If both are right on the same examples, the
    statistic is 0 and the p-value 1.

    Raises
    ------
    ValueError
        There are no examples, the numbers of labels differ, or a true label is missing.

    Notes
    -----
    McNemar 1947, with the correction of Edwards 1948; C2S-Scale (§4.7.7) compares niche predictions with it. The
    p-value is that of the χ² distribution, which is rough for fewer than about 25 examples on which one of both is
    right.

    Examples
    --------
    >>> from sc_duality.metrics import mcnemar
    >>> truth = ["yes"] * 20
    >>> found = mcnemar(truth, ["yes"] * 20, ["yes"] * 10 + ["no"] * 10)
    >>> found.n_first, found.n_second, round(found.statistic, 1), round(found.pvalue, 4)
    (10, 0, 8.1, 0.0044)
    """
    from scipy.stats import chi2

    true, one = paired_labels(truth, first)
    _, other = paired_labels(truth, second)
    right = np.array([[label == a, label == b] for label, a, b in zip(true, one, other, strict=True)])
    n_first, n_second = int((right[:, 0] & ~right[:, 1]).sum()), int((right[:, 1] & ~right[:, 0]).sum())
    if n_first + n_second == 0:
        return McNemar(0.0, 1.0, 0, 0, len(true))
    statistic = (abs(n_first - n_second) - 1) ** 2 / (n_first + n_second)
    return McNemar(statistic, float(chi2.sf(statistic, 1)), n_first, n_second, len(true))
