"""From the rank of a gene among those that rise or fall to its log fold change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..models import ModelSpec
from ..tasks import GeneChangeResponse, Perturbation

#: Change at rank 1 and at rank 100, in log10: of a model without lines of its own.
_USUAL = {"slope": -0.15, "intercept": 0.4}
UP, DOWN = "up", "down"


def fit_change_lines(up: ArrayLike, down: ArrayLike) -> dict[str, dict[str, float]]:
    """Fit the size of a change by the logarithm of its rank, for genes up and genes down apart.

    Parameters
    ----------
    up, down
        Sizes of the changes, largest first, in log10(1 + counts per 10,000).

    Returns
    -------
    ``slope``, ``intercept`` and ``r2`` of size = slope · log10(rank) + intercept for ``"up"`` and ``"down"``; a
    direction in which fewer than two genes change has a slope of 0.

    Notes
    -----
    The log-linear models of C2S-Scale (§4.9).

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.examples import fit_change_lines
    >>> fit_change_lines(1 - 0.2 * np.log10(np.arange(1, 51)), [])["up"]
    {'slope': -0.2, 'intercept': 1.0, 'r2': 1.0}
    """
    return {UP: _fit(np.asarray(up, float)), DOWN: _fit(np.asarray(down, float))}


def _fit(sizes: NDArray[np.float64]) -> dict[str, float]:
    sizes = sizes[sizes > 0]
    if len(sizes) < 2 or np.ptp(sizes) == 0:
        return {"slope": 0.0, "intercept": round(float(sizes.mean()), 4) if len(sizes) else 0.0, "r2": 1.0}
    rank = np.log10(np.arange(1, len(sizes) + 1))
    slope, intercept = np.polyfit(rank, sizes, 1)
    r2 = np.corrcoef(rank, sizes)[0, 1] ** 2
    return {name: round(float(value), 4) for name, value in (("slope", slope), ("intercept", intercept), ("r2", r2))}


class ChangeLines:
    """The log fold change of a gene by its rank, for one perturbation.

    Parameters
    ----------
    spec
        The model. It has lines for the perturbations that it was trained on; for others their mean is taken, and
        without any a line that is usual for strong responses.
    perturbation
        The perturbation.
    """

    def __init__(self, spec: ModelSpec, perturbation: Perturbation) -> None:
        known: Mapping[str, Any] = spec.known(GeneChangeResponse.name, "lines", {})
        own = known.get(str(perturbation))
        self._up, self._down = (self._line([own] if own else list(known.values()), side) for side in (UP, DOWN))

    @staticmethod
    def _line(lines: Sequence[Mapping[str, Any]], side: str) -> tuple[float, float]:
        chosen = [line[side] for line in lines] or [_USUAL]
        slope, intercept = (float(np.mean([line[name] for line in chosen])) for name in ("slope", "intercept"))
        return slope, intercept

    def up(self, n: int) -> NDArray[np.float64]:
        """Changes of the genes at ranks 1 to ``n`` of those that rise, at least 0."""
        return self._sizes(self._up, n)

    def down(self, n: int) -> NDArray[np.float64]:
        """Changes of the genes at ranks 1 to ``n`` of those that fall, at most 0."""
        return -self._sizes(self._down, n)

    @staticmethod
    def _sizes(line: tuple[float, float], n: int) -> NDArray[np.float64]:
        return (line[0] * np.log10(np.arange(1, n + 1)) + line[1]).clip(0)
