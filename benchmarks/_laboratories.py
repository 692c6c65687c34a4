"""How laboratories differ: the same type of cell, gene by gene, as other studies saw it.

Chemistry, dissociation, nuclei in place of cells, and the map of the reads shift a gene in all cells of a study. A
model that saw a type in one study or two takes such shifts for the type's own. So cells are shown as they might have
been seen elsewhere: shifted as one study is from another in the types that both have, or by chance.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

#: Cells of a type that a study has at least, where its mean is taken.
ENOUGH = 5
#: Added to counts per 10,000 before logarithms are compared, and the largest shift, in natural logarithms.
PSEUDOCOUNT, LARGEST = 0.5, 3.0
#: At most so much of the difference of two studies is taken, and so large is the spread of chance shifts.
SHARE, SPREAD = 1.5, 1.2
#: Share of a cell that comes from the mean of its type, so that genes that were missed may be seen.
MEAN = 0.1


class Laboratories:
    """What studies make of the same types.

    Parameters
    ----------
    counts
        Cells of all studies, (n_cells, n_genes).
    study, label
        Of each cell.
    """

    def __init__(self, counts: sparse.csr_matrix, study: NDArray[np.int64], label: NDArray[np.str_]) -> None:
        self.means: dict[tuple[int, str], NDArray[np.float64]] = {}
        for place, name in sorted(set(zip(study.tolist(), label.tolist(), strict=True))):
            cells = counts[(study == place) & (label == name)]
            if cells.shape[0] >= ENOUGH:
                depth = np.maximum(np.asarray(cells.sum(1)).ravel(), 1)
                self.means[place, name] = np.asarray((sparse.diags(1 / depth) @ cells).mean(0)).ravel()
        found = (self._shift(one, other) for one, other in permutations(sorted({key[0] for key in self.means}), 2))
        self.shifts = [shift for shift in found if shift is not None]

    def _shift(self, one: int, other: int) -> NDArray[np.float64] | None:
        """How genes of the types that both studies have differ between them, if they share any."""
        shared = [name for place, name in self.means if place == one and (other, name) in self.means]
        if not shared:
            return None
        logs = [[np.log(1e4 * self.means[place, name] + PSEUDOCOUNT) for name in shared] for place in (one, other)]
        return np.clip(np.mean(logs[1], axis=0) - np.mean(logs[0], axis=0), -LARGEST, LARGEST)

    def elsewhere(
        self, counts: NDArray[np.float64], study: int, label: str, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The counts of a cell, (n_genes,), as another laboratory might have seen them; as many in all, on average."""
        total = counts.sum()
        rate = counts
        if (study, label) in self.means:
            rate = (1 - MEAN) * counts + MEAN * total * self.means[study, label]
        if self.shifts and rng.random() < 0.5:
            shift = rng.uniform(0, SHARE) * self.shifts[rng.integers(len(self.shifts))]
        else:
            shift = rng.normal(0, rng.uniform(0, SPREAD), len(counts))
        rate = rate * np.exp(shift)
        return rng.poisson(rate * (total / max(rate.sum(), 1e-9))).astype(float)
