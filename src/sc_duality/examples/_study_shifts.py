"""Study shifts: the differences between studies, with which cells are augmented."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

#: Fewest cells of a type and study for a mean.
_MIN_CELLS = 5
#: Added to counts per 10,000 before the logarithm, and the largest shift (natural logarithm).
_PSEUDOCOUNT, _MAX_SHIFT = 0.5, 3.0
#: Share of cells with the shift between two studies; the others have a random one.
_P_MEASURED = 0.5
#: Largest multiple of the difference of two studies, and largest standard deviation of random shifts.
_MAX_SCALE, _MAX_SPREAD = 1.5, 1.2
#: Share of a cell that comes from the mean of its type, which fills in genes that were missed.
_MEAN_SHARE = 0.1


class StudyCells(NamedTuple):
    """The cells of one study."""

    #: Raw counts, (n_cells, n_genes).
    counts: sparse.csr_matrix
    genes: NDArray[np.object_]
    #: The type of each cell, ``None`` where it is not known.
    types: NDArray[Any]
    #: Which cells differences are measured on.
    training: NDArray[np.bool_]


class StudyShifts:
    """By how much each gene differs between studies, in cells of the types that both have.

    Chemistry, dissociation, nuclei in place of cells and read mapping shift a gene in all cells of a study. A model
    that is trained on few studies of a type may take such shifts for markers.

    Parameters
    ----------
    studies
        Their cells. A gene that a study did not measure has no counts in it.
    """

    def __init__(self, studies: Sequence[StudyCells]) -> None:
        genes = sorted({str(gene) for study in studies for gene in study.genes})
        index = {gene: i for i, gene in enumerate(genes)}
        #: The genes of each study among all.
        self._columns = [np.array([index[str(gene)] for gene in study.genes]) for study in studies]
        self._means = [
            _means(study, columns, len(genes)) for study, columns in zip(studies, self._columns, strict=True)
        ]
        found = (_shift(one, other) for one, other in permutations(self._means, 2))
        self._shifts = [shift for shift in found if shift is not None]
        every = [np.log1p(1e4 * mean) for means in self._means for mean in means.values()]
        spread = np.std(every, axis=0) + 1e-3 if every else np.ones(len(genes))
        self._spread: NDArray[np.float64] = spread / spread.mean()

    def shifted(
        self, counts: NDArray[np.float64], study: int, types: NDArray[Any], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The counts of cells as another study might measure them, (n_cells, n_genes of the study).

        The expected total of a cell stays the same.
        """
        columns, means = self._columns[study], self._means[study]
        found = np.empty_like(counts)
        for i, (cell, name) in enumerate(zip(counts, types, strict=True)):
            total, rate = cell.sum(), cell
            if name in means:
                rate = (1 - _MEAN_SHARE) * cell + _MEAN_SHARE * total * means[name][columns]
            if self._shifts and rng.random() < _P_MEASURED:
                shift = rng.uniform(0, _MAX_SCALE) * self._shifts[rng.integers(len(self._shifts))][columns]
            else:
                shift = rng.normal(0, rng.uniform(0, _MAX_SPREAD), len(cell))
            rate = rate * np.exp(shift)
            found[i] = rng.poisson(rate * (total / max(rate.sum(), 1e-9)))
        return found

    def spread(self, study: int) -> NDArray[np.float64]:
        """How much each gene of a study differs between types and studies, mean 1 over all genes."""
        return self._spread[self._columns[study]]


def _means(study: StudyCells, columns: NDArray[np.int64], n_genes: int) -> dict[str, NDArray[np.float64]]:
    """The mean composition of each type of a study over all genes."""
    depth = np.maximum(np.asarray(study.counts.sum(1)).ravel(), 1)
    shares = sparse.csr_matrix(sparse.diags(1 / depth) @ study.counts)
    found: dict[str, NDArray[np.float64]] = {}
    for name in sorted({name for name in study.types if name is not None}):
        cells = shares[np.flatnonzero((study.types == name) & study.training)]
        if cells.shape[0] >= _MIN_CELLS:
            found[name] = np.zeros(n_genes)
            np.add.at(found[name], columns, np.asarray(cells.mean(0)).ravel())
    return found


def _shift(one: dict[str, NDArray[np.float64]], other: dict[str, NDArray[np.float64]]) -> NDArray[np.float64] | None:
    """Mean log fold change of each gene from one study to the other over the types of both, if there are any."""
    shared = [name for name in one if name in other]
    if not shared:
        return None
    logs = [np.log(1e4 * np.array([means[name] for name in shared]) + _PSEUDOCOUNT) for means in (one, other)]
    return np.asarray(np.clip((logs[1] - logs[0]).mean(0), -_MAX_SHIFT, _MAX_SHIFT))
