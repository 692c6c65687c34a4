"""Fréchet distance of two populations of cells, each taken as a Gaussian (scFID)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._checks import populations


def frechet(real: ArrayLike, generated: ArrayLike, *, regularisation: float = 1e-6) -> float:
    """Fréchet distance between Gaussians fitted to two populations; scFID, if the space is an embedding of cells.

    ‖μ_r − μ_g‖² + tr(Σ_r + Σ_g − 2 (Σ_r Σ_g)^½), where μ are the means and Σ the covariances (divided by n − 1), each
    with ``regularisation`` added to its diagonal. It is the square of the 2-Wasserstein distance of the two Gaussians.

    The estimate is biased upwards for few cells, and more so in many dimensions: compare values of equal n only.

    Parameters
    ----------
    real, generated
        Cells × dimensions in one embedding, at least two cells each.
    regularisation
        Added to every variance, in squared units of the embedding.

    Returns
    -------
    The distance, at least 0, in squared units of the embedding. The usual scFID is the mean over conditions, as
    :func:`sc_duality.tl.evaluate` computes it.

    Raises
    ------
    ValueError
        There are too few cells, missing values, different dimensions, or ``regularisation`` is negative.

    Notes
    -----
    C2S-Scale, section 4.8, which embeds cells with scGPT. The trace of the root is computed as the sum of the singular
    values of Σ_r^½ Σ_g^½, which needs only roots of symmetric matrices.

    Examples
    --------
    >>> from sc_duality.metrics import frechet
    >>> real = [[0.0], [2.0]]
    >>> round(frechet(real, [[3.0], [5.0]]), 6)
    9.0
    """
    x, y = populations(real, generated, at_least=2)
    if not regularisation >= 0:
        raise ValueError(f"regularisation must be at least 0, got {regularisation!r}")
    sigma_x, sigma_y = (np.atleast_2d(np.cov(z, rowvar=False)) + regularisation * np.eye(z.shape[1]) for z in (x, y))
    shift = x.mean(0) - y.mean(0)
    trace_of_root = np.linalg.svd(_root(sigma_x) @ _root(sigma_y), compute_uv=False).sum()
    return max(0.0, float(shift @ shift + np.trace(sigma_x) + np.trace(sigma_y) - 2 * trace_of_root))


def _root(covariance: np.ndarray) -> np.ndarray:
    """Symmetric square root; eigenvalues below 0 are rounding errors."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
