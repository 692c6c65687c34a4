"""Study shifts: batch effects between studies as an augmentation of training cells.

Chemistry, dissociation, nuclei in place of cells, and read mapping shift a gene in all cells of a study. A model
trained on few studies of a type may take such shifts for markers. Training cells are therefore shifted gene by gene, as
one study differs from another in the types of both, or at random.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

#: Fewest cells of a type and study for a mean.
MIN_CELLS = 5
#: Added to counts per 10,000 before the logarithm, and the largest shift (natural logarithm).
PSEUDOCOUNT, MAX_SHIFT = 0.5, 3.0
#: Largest multiple of the difference of two studies, and largest standard deviation of random shifts.
MAX_SCALE, MAX_SPREAD = 1.5, 1.2
#: Share of a cell that comes from the mean of its type, which fills in dropout.
MEAN_SHARE = 0.1


class StudyShifts:
    """Differences between studies in the mean expression of the types of both.

    Parameters
    ----------
    counts
        Cells of all studies, (n_cells, n_genes).
    study, label
        Study and label of each cell.
    """

    def __init__(self, counts: sparse.csr_matrix, study: NDArray[np.int64], label: NDArray[np.str_]) -> None:
        self.means: dict[tuple[int, str], NDArray[np.float64]] = {}
        for index, name in sorted(set(zip(study.tolist(), label.tolist(), strict=True))):
            cells = counts[(study == index) & (label == name)]
            if cells.shape[0] >= MIN_CELLS:
                depth = np.maximum(np.asarray(cells.sum(1)).ravel(), 1)
                self.means[index, name] = np.asarray((sparse.diags(1 / depth) @ cells).mean(0)).ravel()
        found = (self._shift(one, other) for one, other in permutations(sorted({key[0] for key in self.means}), 2))
        self.shifts = [shift for shift in found if shift is not None]

    def _shift(self, one: int, other: int) -> NDArray[np.float64] | None:
        """Mean log fold change of each gene from one study to the other over the types of both, if any."""
        shared = [name for index, name in self.means if index == one and (other, name) in self.means]
        if not shared:
            return None
        logs = [[np.log(1e4 * self.means[index, name] + PSEUDOCOUNT) for name in shared] for index in (one, other)]
        return np.clip(np.mean(logs[1], axis=0) - np.mean(logs[0], axis=0), -MAX_SHIFT, MAX_SHIFT)

    def shifted(
        self, counts: NDArray[np.float64], study: int, label: str, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The counts of a cell, (n_genes,), as another study might measure them; the expected total stays."""
        total = counts.sum()
        rate = counts
        if (study, label) in self.means:
            rate = (1 - MEAN_SHARE) * counts + MEAN_SHARE * total * self.means[study, label]
        if self.shifts and rng.random() < 0.5:
            shift = rng.uniform(0, MAX_SCALE) * self.shifts[rng.integers(len(self.shifts))]
        else:
            shift = rng.normal(0, rng.uniform(0, MAX_SPREAD), len(counts))
        rate = rate * np.exp(shift)
        return rng.poisson(rate * (total / max(rate.sum(), 1e-9))).astype(float)
