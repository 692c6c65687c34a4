"""Agreement of predicted and observed changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def pearson(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson correlation of two vectors, such as the observed and the predicted change of every gene.

    Parameters
    ----------
    observed, predicted
        As many numbers each, at least two.

    Returns
    -------
    The correlation, −1 to 1; NaN where all numbers of a vector are equal, as when no change is predicted.

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
        raise ValueError(f"two vectors of the same length of at least 2 are needed, got {x.shape} and {y.shape}")
    unusable = int((~(np.isfinite(x) & np.isfinite(y))).sum())
    if unusable:
        raise ValueError(f"{unusable} of {len(x)} pairs hold NaN or infinite values: leave them out")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = (z / np.linalg.norm(z) for z in (x - x.mean(), y - y.mean()))
    return float(np.clip(x @ y, -1, 1))
