"""Changes of expression between control and treated cells that agree in donor, cell type and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..tasks import Changes, Perturbation

#: Rows by group and perturbation.
Members = Mapping[str, Mapping[Perturbation, NDArray[np.int64]]]

#: Cells at which the change of a group counts as much as the mean change of all groups under the perturbation.
_PRIOR_CELLS = 10.0


class GroupChanges:
    """Changes of mean expression of matched groups, in log10(1 + counts per 10,000).

    The change of a small group is shrunk towards the mean change of all groups under the same perturbation, by
    n / (n + 10), where 1/n is the sum of the inverse numbers of its control and treated cells.

    Parameters
    ----------
    expression
        CSR (n_cells, n_genes), log10(1 + counts per 10,000).
    members
        Rows by group and perturbation.
    """

    def __init__(self, expression: sparse.csr_matrix, members: Members) -> None:
        self._expression, self._members = expression, members

    @cached_property
    def _pairs(self) -> list[tuple[str, Perturbation]]:
        """Groups with their perturbations, where there are control cells too."""
        return [
            (group, one)
            for group, present in self._members.items()
            for one in present
            if not one.is_control and any(other.is_control for other in present)
        ]

    @cached_property
    def of_perturbation(self) -> dict[Perturbation, NDArray[np.float64]]:
        """Mean change of the groups under each perturbation, (n_genes,), weighted by their numbers of cells."""
        found: dict[Perturbation, NDArray[np.float64]] = {}
        for one in dict.fromkeys(one for _, one in self._pairs):
            groups = self.groups_with(one)
            changes = [self._mean(self._members[group][one]) - self._mean(self._control(group)) for group in groups]
            weights = [self._size(group, one) for group in groups]
            found[one] = np.average(changes, axis=0, weights=weights)
        return found

    def groups_with(self, perturbation: Perturbation) -> list[str]:
        """Groups with cells under the perturbation and control cells."""
        return [group for group, other in self._pairs if other == perturbation]

    def resampled(self, group: str, perturbation: Perturbation, rng: np.random.Generator) -> NDArray[np.float64]:
        """The shrunken change of a group with its cells sampled anew, with replacement: (n_genes,)."""
        treated, control = self._members[group][perturbation], self._control(group)
        change = self._mean(rng.choice(treated, len(treated))) - self._mean(rng.choice(control, len(control)))
        return self._shrunken(group, perturbation, change)

    def single(self, group: str, perturbation: Perturbation, row: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The change from the control cell ``row`` to one treated cell of the group."""
        return self._mean([int(rng.choice(self._members[group][perturbation]))]) - self._mean([row])

    def noise(self, group: str, rng: np.random.Generator) -> NDArray[np.float64]:
        """The difference between two random halves of the control cells of a group; zeros for a single cell."""
        control = rng.permutation(self._control(group))
        half = len(control) // 2
        if half == 0:
            return np.zeros(self._expression.shape[1])
        return self._mean(control[:half]) - self._mean(control[half:])

    def of_groups(self) -> dict[Perturbation, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Shrunken changes and mean expression of the control cells of each group, both (n_groups, n_genes)."""
        found: dict[Perturbation, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {}
        for group, one in self._pairs:
            control = self._mean(self._control(group))
            change = self._mean(self._members[group][one]) - control
            found.setdefault(one, []).append((self._shrunken(group, one, change), control))
        return {one: (np.array([c for c, _ in each]), np.array([b for _, b in each])) for one, each in found.items()}

    def _shrunken(self, group: str, one: Perturbation, change: NDArray[np.float64]) -> NDArray[np.float64]:
        share = self._size(group, one) / (self._size(group, one) + _PRIOR_CELLS)
        return share * change + (1 - share) * self.of_perturbation[one]

    def _control(self, group: str) -> NDArray[np.int64]:
        return next(rows for one, rows in self._members[group].items() if one.is_control)

    def _size(self, group: str, perturbation: Perturbation) -> float:
        return 1 / (1 / len(self._members[group][perturbation]) + 1 / len(self._control(group)))

    def _mean(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(self._expression[np.asarray(rows)].mean(axis=0), dtype=float).ravel()


def ranked_changes(change: NDArray[np.float64], genes: NDArray[np.object_], n_genes: int) -> Changes:
    """The genes that rise and those that fall, largest change first, at most ``n_genes`` each."""
    order = np.argsort(-change, kind="stable")
    up = [i for i in order[:n_genes] if change[i] > 0]
    down = [i for i in order[::-1][:n_genes] if change[i] < 0]
    return tuple(genes[up].tolist()), tuple(genes[down].tolist())
