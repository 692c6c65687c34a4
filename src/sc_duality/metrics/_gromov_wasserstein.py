"""Gromov–Wasserstein distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from ._checks import optimal_transport, population


def gromov_wasserstein(
    real: ArrayLike, generated: ArrayLike, *, max_cells: int | None = 500, rng: int | np.random.Generator = 0
) -> float:
    """Gromov–Wasserstein discrepancy: how differently distances lie within two populations.

    The least mean of (‖x − x'‖ − ‖y − y'‖)² over plans that pair cells x with y and x' with y', every cell of a
    population with the same weight. It compares shapes only: shifted, rotated or mirrored cells have 0, and the two
    embeddings may differ.

    The minimum over plans is not convex. Conditional gradient is run from the product plan, and from the plan that
    pairs cells by their mean distance to all others; the lower result is given: an upper bound, which can vary
    a little with the order of the cells.

    Parameters
    ----------
    real, generated
        Cells × dimensions.
    max_cells
        A population with more cells is sampled down to as many, without replacement. None for no limit.
    rng
        Seed of the samples, or a generator.

    Returns
    -------
    The minimum itself, as POT gives it, in squared units of the embedding.

    Raises
    ------
    ImportError
        POT is not installed.
    ValueError
        There are no cells, missing values, or ``max_cells`` is below 1.

    Notes
    -----
    Computed by POT (Flamary et al. 2021), ``ot.gromov.gromov_wasserstein2`` with the square loss. Cell2Sentence and
    CellDuality report one for generated cells, without the space, the number of cells or the power.

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

    ot = optimal_transport()
    inner_x, inner_y = cdist(x, x), cdist(y, y)
    weights = ot.unif(len(x)), ot.unif(len(y))
    starts = None, ot.emd_1d(inner_x.mean(1), inner_y.mean(1), *weights)
    found = [ot.gromov.gromov_wasserstein2(inner_x, inner_y, *weights, G0=start) for start in starts]
    return max(0.0, float(min(found)))


def _sample(cells: np.ndarray, n: int | None, generator: np.random.Generator) -> np.ndarray:
    return cells if n is None or len(cells) <= n else cells[generator.choice(len(cells), n, replace=False)]
