"""C2S-Scale's reward in an embedding."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def negative_mse(generated: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Negative mean squared error between generated and true cells, or between chosen genes of them.

    Parameters
    ----------
    generated
        float (n, d): embedding of the generated cells, or expression of a program's genes.
    truth
        float (n, d): the same of the true cells.

    Returns
    -------
    float64 (n,): at most 0, which is a perfect match.

    Raises
    ------
    ValueError
        The shapes differ, or are not those of matrices with a column or more.

    Examples
    --------
    >>> from sc_duality.rewards import negative_mse
    >>> negative_mse([[1, 2], [0, 0]], [[1, 2], [1, 3]])
    array([-0., -5.])
    """
    x, y = np.asarray(generated, np.float64), np.asarray(truth, np.float64)
    if x.shape != y.shape or x.ndim != 2 or not x.shape[1]:
        raise ValueError(f"two matrices of the same shape are needed, got {x.shape} and {y.shape}")
    return -np.square(x - y).mean(axis=1)
