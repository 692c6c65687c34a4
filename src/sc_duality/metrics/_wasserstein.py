"""Wasserstein distance of two populations of cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._checks import optimal_transport, populations


def wasserstein(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    p: float = 2,
    n_projections: int | None = None,
    rng: int | np.random.Generator = 0,
) -> float:
    """Wasserstein distance of order ``p`` between two populations.

    The p-th root of the mean of ‖x − y‖^p over the optimal transport plan, with Euclidean distances and the same weight
    for every cell of a population. The plan is exact, and its run time grows faster than the square of the number of
    cells. With ``n_projections`` the result is the sliced distance: the p-th root of the mean of the one-dimensional
    W_p^p over random directions, which never exceeds the exact distance.

    Parameters
    ----------
    real, generated
        Cells × dimensions in one embedding.
    p
        Order, at least 1.
    n_projections
        Number of random directions of the sliced distance. None for the exact distance.
    rng
        Seed of the directions, or a generator.

    Returns
    -------
    The distance, in units of the embedding.

    Raises
    ------
    ImportError
        POT is not installed.
    ValueError
        There are no cells, missing values, different dimensions, or ``p`` or ``n_projections`` is below 1.

    Notes
    -----
    Computed by POT (Flamary et al. 2021): ``ot.emd2`` and ``ot.sliced_wasserstein_distance``. C2S-Scale and CellDuality
    do not report the order of their distance.

    Examples
    --------
    >>> from sc_duality.metrics import wasserstein
    >>> wasserstein([[0.0, 0.0], [1.0, 0.0]], [[0.0, 3.0], [1.0, 3.0]])
    3.0
    """
    x, y = populations(real, generated)
    if not p >= 1:
        raise ValueError(f"p must be at least 1, got {p!r}")
    if n_projections is not None and n_projections < 1:
        raise ValueError(f"n_projections must be at least 1, got {n_projections!r}")
    ot = optimal_transport()
    if n_projections is None:
        return float(ot.emd2([], [], ot.dist(x, y, metric="euclidean") ** p, numItermax=1_000_000)) ** (1 / p)
    start = int(np.random.default_rng(rng).integers(2**31))
    return float(ot.sliced_wasserstein_distance(x, y, n_projections=n_projections, p=p, seed=start))
