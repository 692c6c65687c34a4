"""Pearson correlation of predicted and observed changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def pearson(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson correlation of two vectors, such as the observed and the predicted change of every gene.

    Parameters
    ----------
    observed, predicted
        Vectors of the same length, at least 2.

    Returns
    -------
    The correlation, −1 to 1; NaN if all values of a vector are equal, as when no change is predicted.

    Raises
    ------
    ValueError
        The vectors differ in length, are too short, or hold missing values.

    Examples
    --------
    >>> from sc_duality.metrics import pearson
    >>> pearson([1.0, 0.0, -1.0, 0.0], [0.9, 0.3, -0.9, -0.3])
    0.948...
    """
    x, y = np.asarray(observed, dtype=float), np.asarray(predicted, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise ValueError(f"observed and predicted have the shapes {x.shape} and {y.shape}: pass vectors of one length")
    n_invalid = int((~(np.isfinite(x) & np.isfinite(y))).sum())
    if n_invalid:
        raise ValueError(f"{n_invalid} of {len(x)} pairs hold NaN or infinite values: leave them out")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = (z / np.linalg.norm(z) for z in (x - x.mean(), y - y.mean()))
    return float(np.clip(x @ y, -1, 1))
