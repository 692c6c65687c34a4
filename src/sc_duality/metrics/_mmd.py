"""Maximum mean discrepancy of two populations of cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ._checks import populations

#: Default bandwidths, as multiples of the median distance between real cells.
MULTIPLES = (0.5, 1.0, 2.0)


def mmd(real: ArrayLike, generated: ArrayLike, *, bandwidths: Sequence[float] | None = None) -> float:
    """Squared maximum mean discrepancy between two populations, unbiased estimate.

    The kernel is the mean over ``bandwidths`` σ of exp(−‖x − y‖² / 2σ²). Within each population it is averaged over
    pairs of different cells (Gretton et al. 2012, equation 3): if both populations come from one distribution, the
    estimate is 0 on average and can be negative.

    Parameters
    ----------
    real, generated
        Cells × dimensions in one embedding, at least two cells each. Memory grows with their product.
    bandwidths
        In units of the embedding. By default 0.5, 1 and 2 times the median Euclidean distance between two real cells.

    Returns
    -------
    The squared discrepancy, unitless, at most 2.

    Raises
    ------
    ValueError
        There are too few cells, missing values, different dimensions, or a bandwidth that is not above 0.

    Notes
    -----
    C2S-Scale and CellDuality do not publish the kernel of their MMD. Compare values only of the same bandwidths and the
    same embedding.

    Examples
    --------
    >>> from sc_duality.metrics import mmd
    >>> real = [[0.0], [1.0], [2.0]]
    >>> mmd(real, [[9.0], [10.0], [11.0]]) > mmd(real, [[4.0], [5.0], [6.0]]) > 0
    True
    """
    x, y = populations(real, generated, at_least=2)
    scales = _default_bandwidths(x) if bandwidths is None else np.asarray(bandwidths, dtype=float)
    if scales.ndim != 1 or not len(scales) or not (np.isfinite(scales) & (scales > 0)).all():
        raise ValueError(f"bandwidths must be a list of numbers above 0, got {bandwidths!r}")
    from scipy.spatial.distance import cdist, pdist

    within = _kernel(pdist(x, "sqeuclidean"), scales) + _kernel(pdist(y, "sqeuclidean"), scales)
    return within - 2 * _kernel(cdist(x, y, "sqeuclidean"), scales)


def _default_bandwidths(real: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import pdist

    median = np.median(pdist(real))
    if median == 0:
        raise ValueError(
            "the median distance between real cells is 0, so there is no default bandwidth: pass bandwidths="
        )
    return median * np.array(MULTIPLES)


def _kernel(squares: np.ndarray, bandwidths: np.ndarray) -> float:
    """Mean kernel over squared distances."""
    return float(np.mean([np.exp(squares / (-2 * scale**2)).mean() for scale in bandwidths]))
