"""The duality reward without decoding: how likely the dual finds what it should give back. Ours, not the papers'."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def lift(with_answer: ArrayLike, without_answer: ArrayLike, n_genes: ArrayLike) -> NDArray[np.float64]:
    """How much the answer helps the dual to give back the hidden genes, in nats a gene.

    Parameters
    ----------
    with_answer
        float (n,): log-likelihood of the hidden genes, summed over them, where the dual is told the answer.
    without_answer
        float (n,): the same where it is not.
    n_genes
        int (n,): number of hidden genes (tokens, where a gene has more than one).

    Returns
    -------
    float64 (n,): (with − without) / n_genes; above 0 where the answer explains the cell, NaN without hidden genes.

    Examples
    --------
    >>> from sc_duality.rewards import lift
    >>> lift([-10.0, -12.0, 0.0], [-12.0, -12.0, 0.0], [4, 4, 0])
    array([0.5, 0. , nan])
    """
    gain = np.asarray(with_answer, np.float64) - np.asarray(without_answer, np.float64)
    gain, count = np.broadcast_arrays(gain, np.asarray(n_genes))
    return np.divide(gain, count, out=np.full(gain.shape, np.nan), where=count > 0)


def posterior(
    log_likelihood: ArrayLike, chosen: ArrayLike, log_prior: ArrayLike | None = None, temperature: float = 1.0
) -> NDArray[np.float64]:
    """Probability of the chosen label by Bayes' rule, where the dual says how likely each label makes the cell.

    p(y | x) = p(x | y)^(1/T) p(y) / Σ over labels of the same.

    Parameters
    ----------
    log_likelihood
        float (n, n_labels): log p(x | y), such as that of the hidden genes given each label.
    chosen
        int (n,): column of the label that was answered, −1 where there was none.
    log_prior
        float (n_labels,) or (n, n_labels): log p(y) up to a constant; all labels alike by default.
    temperature
        T; above 1 it makes up for likelihoods that are too sure, as those of many dependent genes are.

    Returns
    -------
    float64 (n,): between 0 and 1, NaN where nothing was chosen or no label is possible.

    Raises
    ------
    ValueError
        The shapes do not fit, ``temperature`` is not above 0, or ``chosen`` names a label that is not there.

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
    strange = label[(label < -1) | (label >= score.shape[1])]
    if strange.size:
        raise ValueError(f"chosen holds {strange[0]}, but there are only {score.shape[1]} labels")
    score = score / temperature + (0.0 if log_prior is None else np.asarray(log_prior, np.float64))
    with np.errstate(invalid="ignore"):  # where no label is possible
        weight = np.exp(score - score.max(axis=1, keepdims=True))
        found = weight[np.arange(len(label)), label] / weight.sum(axis=1)
    return np.where(label < 0, np.nan, found)
