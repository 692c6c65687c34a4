"""From the rank of a gene among those that rise or fall to its log fold change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..models import ModelSpec
from ..tasks import GeneChangeResponse, Perturbation

#: Change at rank 1 and at rank 100, in log10: of a model without lines of its own.
_USUAL = {"slope": -0.15, "intercept": 0.4, "level": 0.0}
UP, DOWN = "up", "down"


def fit_change_lines(changes: ArrayLike, control: ArrayLike, n_genes: int) -> dict[str, dict[str, float]]:
    """Fit the size of a change by the rank of the gene and its expression before, for genes up and genes down apart.

    Genes are ranked by their mean change over the groups, so that the lines say how large the change in one group is
    when the rank is known from others.

    Parameters
    ----------
    changes
        Change of each gene in each group, (n_groups, n_genes), in log10(1 + counts per 10,000).
    control
        Mean expression in the control cells of these groups, of the same shape and unit.
    n_genes
        Genes of each list.

    Returns
    -------
    ``slope``, ``intercept``, ``level`` and ``r2`` of size = slope · log10(rank) + intercept + level · expression, for
    ``"up"`` and ``"down"``; zeros for a direction in which no gene changes.

    Notes
    -----
    C2S-Scale (§4.9) fits size by rank. The level is ours: a gene falls further where its expression is higher, and
    patients differ in it.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.examples import fit_change_lines
    >>> change = 1 - 0.2 * np.log10(np.arange(1, 51))
    >>> fit_change_lines([change], np.zeros((1, 50)), 50)["up"]
    {'slope': -0.2, 'intercept': 1.0, 'level': 0.0, 'r2': 1.0}
    """
    up, before = np.asarray(changes, float), np.asarray(control, float)
    return {UP: _fit(up, before, n_genes), DOWN: _fit(-up, before, n_genes)}


def _fit(sizes: NDArray[np.float64], control: NDArray[np.float64], n_genes: int) -> dict[str, float]:
    """Least squares over the genes of the list and the groups."""
    mean = sizes.mean(axis=0)
    listed = np.argsort(-mean, kind="stable")[:n_genes]
    listed = listed[mean[listed] > 0]
    if not len(listed):
        return {"slope": 0.0, "intercept": 0.0, "level": 0.0, "r2": 0.0}
    rank = np.broadcast_to(np.log10(np.arange(1, len(listed) + 1)), (len(sizes), len(listed)))
    terms = np.column_stack([rank.ravel(), np.ones(rank.size), control[:, listed].ravel()])
    size = sizes[:, listed].ravel()
    (slope, intercept, level), *_ = np.linalg.lstsq(terms, size, rcond=None)
    unexplained = ((size - terms @ (slope, intercept, level)) ** 2).sum()
    r2 = 1 - unexplained / max(((size - size.mean()) ** 2).sum(), 1e-12)
    values = {"slope": slope, "intercept": intercept, "level": level, "r2": r2}
    return {name: round(float(value), 4) + 0.0 for name, value in values.items()}


class ChangeLines:
    """The log fold change of a gene by its rank and its expression before, for one perturbation.

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
    def _line(lines: Sequence[Mapping[str, Any]], side: str) -> NDArray[np.float64]:
        chosen = [line[side] for line in lines] or [_USUAL]
        return np.mean([[line[name] for name in ("slope", "intercept", "level")] for line in chosen], axis=0)

    def up(self, control: ArrayLike) -> NDArray[np.float64]:
        """Changes of the genes that rise, at least 0, from their expression in control, ordered by rank."""
        return self._sizes(self._up, np.asarray(control, float))

    def down(self, control: ArrayLike) -> NDArray[np.float64]:
        """Changes of the genes that fall, at most 0, from their expression in control, ordered by rank."""
        return -self._sizes(self._down, np.asarray(control, float))

    @staticmethod
    def _sizes(line: NDArray[np.float64], control: NDArray[np.float64]) -> NDArray[np.float64]:
        slope, intercept, level = line
        return (slope * np.log10(np.arange(1, len(control) + 1)) + intercept + level * control).clip(0)
