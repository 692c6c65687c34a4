"""Cells as another study might have measured them: shifted, with background, on a panel of genes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._study_shifts import StudyCells, StudyShifts

#: Share of cells that do not change; of the others, shares with a study shift, with background, and on a panel.
_P_SAME = 0.4
_P_SHIFTED, _P_BACKGROUND, _P_PANEL = 0.6, 0.5, 0.4
#: Most background, as a share of a cell's counts; fewest genes of a panel.
_MAX_BACKGROUND, _MIN_PANEL = 0.2, 200
#: Share of panels that hold genes by how much they differ between types; the others are drawn evenly.
_P_MARKERS = 0.7
#: Cells whose counts are held at once.
_CHUNK = 256


class OtherStudy:
    """Draws the counts of one study's cells as other studies might have measured them.

    Parameters
    ----------
    shifts
        The differences between studies.
    study
        Index of this study among those of ``shifts``.
    cells
        Its cells.
    """

    def __init__(self, shifts: StudyShifts, study: int, cells: StudyCells) -> None:
        self._shifts, self._study, self._types = shifts, study, cells.types
        total = np.asarray(cells.counts[cells.training].sum(0), dtype=np.float64).ravel()
        self._ambient = total / max(total.sum(), 1)
        self._spread = shifts.spread(study)

    def draw(self, counts: sparse.csr_matrix, rows: NDArray[np.int64], rng: np.random.Generator) -> sparse.csr_matrix:
        """The counts of the cells of these ``rows``, (n_cells, n_genes)."""
        parts = []
        for start in range(0, len(rows), _CHUNK):
            block = counts[start : start + _CHUNK].toarray()
            changed = np.flatnonzero(rng.random(len(block)) >= _P_SAME)
            block[changed] = self._elsewhere(block[changed], self._types[rows[start:][changed]], rng)
            parts.append(sparse.csr_matrix(block))
        return sparse.vstack(parts, format="csr")

    def _elsewhere(
        self, counts: NDArray[np.float64], types: NDArray[Any], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Counts of these cells in another study."""
        n = len(counts)
        shifted = np.flatnonzero(rng.random(n) < _P_SHIFTED)
        counts[shifted] = self._shifts.shifted(counts[shifted], self._study, types[shifted], rng)
        share = rng.uniform(0, _MAX_BACKGROUND, n) * (rng.random(n) < _P_BACKGROUND)
        counts += rng.poisson((share * counts.sum(1))[:, None] * self._ambient)
        for cell in np.flatnonzero(rng.random(n) < _P_PANEL):
            counts[cell, ~self._panel(rng)] = 0
        return counts

    def _panel(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Genes of a panel: drawn evenly, or by how much they differ between types."""
        n_genes = len(self._spread)
        size = min(n_genes, int(np.exp(rng.uniform(np.log(_MIN_PANEL), np.log(max(n_genes, _MIN_PANEL))))))
        order = rng.random(n_genes)
        if rng.random() < _P_MARKERS:
            order = order ** (1 / self._spread)
        panel = np.zeros(n_genes, dtype=bool)
        panel[np.argpartition(-order, size - 1)[:size]] = True
        return panel
