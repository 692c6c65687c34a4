"""The duality score without decoding, from log-likelihoods of the dual task. Ours, not the papers'."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def log_likelihood_gain(with_answer: ArrayLike, without_answer: ArrayLike, size: ArrayLike) -> NDArray[np.float64]:
    """How much the answer raises the log-likelihood of the dual target, in nats a gene.

    Parameters
    ----------
    with_answer
        float (n,): log-likelihood of the target, summed over it, where the dual prompt holds the answer.
    without_answer
        float (n,): the same without the answer.
    size
        int (n,): number of genes of the target.

    Returns
    -------
    float64 (n,): (with − without) / size; NaN where ``size`` is 0.

    Examples
    --------
    >>> from sc_duality.rewards import log_likelihood_gain
    >>> log_likelihood_gain([-10.0, -12.0, 0.0], [-12.0, -12.0, 0.0], [4, 4, 0])
    array([0.5, 0. , nan])
    """
    gain = np.asarray(with_answer, np.float64) - np.asarray(without_answer, np.float64)
    gain, count = np.broadcast_arrays(gain, np.asarray(size))
    return np.divide(gain, count, out=np.full(gain.shape, np.nan), where=count > 0)


def posterior(
    log_likelihood: ArrayLike, chosen: ArrayLike, log_prior: ArrayLike | None = None, temperature: float = 1.0
) -> NDArray[np.float64]:
    """Probability of the chosen label by Bayes' rule, from the likelihood of the cell under each label.

    p(y | x) = p(x | y)^(1/T) p(y) / Σ over labels of the same.

    Parameters
    ----------
    log_likelihood
        float (n, n_labels): log p(x | y), such as that of the hidden genes given each label.
    chosen
        int (n,): column of the predicted label, −1 where there is none.
    log_prior
        float (n_labels,) or (n, n_labels): log p(y) up to a constant; a uniform prior by default.
    temperature
        T; above 1 it corrects likelihoods that are overconfident, as those of many dependent genes are.

    Returns
    -------
    float64 (n,): between 0 and 1, NaN without a chosen or a possible label.

    Raises
    ------
    ValueError
        The shapes do not fit, ``temperature`` is not above 0, or ``chosen`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.rewards import posterior
    >>> posterior(np.log([[0.6, 0.2], [0.6, 0.2]]), chosen=[0, 1])
    array([0.75, 0.25])
    """
    score, label = np.asarray(log_likelihood, np.float64), np.asarray(chosen)
    if score.ndim != 2 or not score.shape[1] or label.shape != score.shape[:1]:
        raise ValueError(f"log_likelihood must be (n, n_labels) and chosen (n,), got {score.shape} and {label.shape}")
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, not {temperature}")
    invalid = label[(label < -1) | (label >= score.shape[1])]
    if invalid.size:
        raise ValueError(f"chosen holds {invalid[0]}, but there are only {score.shape[1]} labels")
    score = score / temperature + (0.0 if log_prior is None else np.asarray(log_prior, np.float64))
    with np.errstate(invalid="ignore"):  # where no label is possible
        weight = np.exp(score - score.max(axis=1, keepdims=True))
        probability = weight[np.arange(len(label)), label] / weight.sum(axis=1)
    return np.where(label < 0, np.nan, probability)
