"""Gromov–Wasserstein discrepancy of two populations of cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._checks import optimal_transport, population


def gromov_wasserstein(
    real: ArrayLike, generated: ArrayLike, *, max_cells: int | None = 500, rng: int | np.random.Generator = 0
) -> float:
    """Gromov–Wasserstein discrepancy: the difference between the pairwise distances within two populations.

    The minimum, over transport plans that match cells x with y and x' with y', of the mean of (‖x − x'‖ − ‖y − y'‖)².
    Every cell of a population has the same weight. Only shape counts: the discrepancy of shifted, rotated or mirrored
    cells is 0, and the two embeddings may differ.

    The problem is not convex. Conditional gradient starts from the product plan, and from the plan that matches cells
    by their mean distance to all others. The lower result is returned: an upper bound, which can depend a little on
    the order of the cells.

    Parameters
    ----------
    real, generated
        Cells × dimensions.
    max_cells
        A larger population is subsampled to this number of cells, without replacement. None for no limit.
    rng
        Seed of the subsampling, or a generator.

    Returns
    -------
    The minimum, as POT defines it, in squared units of the embedding.

    Raises
    ------
    ImportError
        POT is not installed.
    ValueError
        There are no cells, missing values, or ``max_cells`` is below 1.

    Notes
    -----
    Computed by POT (Flamary et al. 2021), ``ot.gromov.gromov_wasserstein2`` with the square loss. Cell2Sentence and
    CellDuality report one for generated cells, but not the embedding, the number of cells or the power.

    Examples
    --------
    >>> from sc_duality.metrics import gromov_wasserstein
    >>> square = [[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]]
    >>> bool(abs(gromov_wasserstein(square, [[x + 7, y] for x, y in square])) < 1e-9)
    True
    """
    if max_cells is not None and max_cells < 1:
        raise ValueError(f"max_cells must be at least 1, got {max_cells!r}")
    generator = np.random.default_rng(rng)
    x = _sample(population(real, "real"), max_cells, generator)
    y = _sample(population(generated, "generated"), max_cells, generator)

    from scipy.spatial.distance import cdist

    ot = optimal_transport()
    distances_x, distances_y = cdist(x, x), cdist(y, y)
    weights = ot.unif(len(x)), ot.unif(len(y))
    plans = None, ot.emd_1d(_rank(distances_x), _rank(distances_y), *weights)
    minima = [ot.gromov.gromov_wasserstein2(distances_x, distances_y, *weights, G0=plan) for plan in plans]
    return max(0.0, float(min(minima)))


def _rank(distances: np.ndarray) -> np.ndarray:
    """Rank cells by their mean distance to all others, and ties by their mean squared distance.

    Ties are common: the two middle ones of four cells on a line have the same mean distance.
    """
    means, squares = distances.mean(1), (distances**2).mean(1)
    order = np.lexsort((squares, np.round(means / max(means.max(), np.finfo(float).tiny), 9)))
    return np.argsort(order).astype(float)


def _sample(cells: np.ndarray, n: int | None, generator: np.random.Generator) -> np.ndarray:
    return cells if n is None or len(cells) <= n else cells[generator.choice(len(cells), n, replace=False)]
