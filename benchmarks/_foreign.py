"""Cells that are of none of the types, from which the embedded model learns to say so.

No list of types is whole, and what else a user may bring cannot be had. So what is shown is made of known cells:
two of unlike tissues mixed, the background of a droplet without a cell, genes exchanged for any others; and real
cells of types that have no label, from experiments with perturbations. The known cells are shifted as another
laboratory might have seen them as often as those with a label are, or the shift itself would say "known".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks._corpus import AS_MEASURED, ELSEWHERE, Corpus

#: Of each kind: mixed cells, empty droplets, exchanged genes, real ones without a label.
CHANCES = (0.3, 0.2, 0.3, 0.2)


class Foreign:
    """Draws sentences of cells that are none of the corpus's types.

    Parameters
    ----------
    corpus
        Labelled cells.
    tissues
        Tissue of each study of the corpus.
    unlabelled
        Sentences of real cells of other types.
    """

    def __init__(self, corpus: Corpus, tissues: Sequence[str], unlabelled: Sequence[list[str]]) -> None:
        self.corpus, self.unlabelled = corpus, unlabelled
        self.tissue = np.array(tissues)[corpus.study]
        self.often = np.sqrt(np.asarray((corpus.counts > 0).sum(0), dtype=float).ravel())
        self.often /= self.often.sum()

    def sentence(self, n_genes: int, rng: np.random.Generator) -> list[str]:
        """One of them, its best ``n_genes`` genes."""
        kind = rng.choice(4, p=CHANCES)
        if kind == 3:
            genes = self.unlabelled[rng.integers(len(self.unlabelled))]
            return genes[:n_genes]
        values = (self._mixed, self._empty, self._exchanged)[kind](rng)
        return self.corpus.best(values, n_genes, rng)

    def _counts(self, cell: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """What is measured of a cell, here or elsewhere."""
        if rng.random() < (1 - AS_MEASURED) * ELSEWHERE:
            return self.corpus.elsewhere(cell, rng)
        return self.corpus.row(cell)

    def _mixed(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Two cells of unlike tissues in one droplet, at most three times as much of one as of the other."""
        one = int(self.corpus.draw(1, rng)[0])
        other = one
        while self.tissue[other] == self.tissue[one]:
            other = int(self.corpus.draw(1, rng)[0])
        values = np.zeros(len(self.corpus.genes))
        for cell, share in zip((one, other), np.exp(rng.uniform(-0.55, 0.55, 2)), strict=True):
            counts = self._counts(cell, rng)
            values += rng.poisson(1000 * share * counts / counts.sum())
        return values

    def _empty(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """What floats around the cells of a study, or of two."""
        chosen = rng.integers(len(self.corpus.ambient), size=rng.integers(1, 3))
        profile = np.mean([self.corpus.ambient[i] for i in chosen], axis=0)
        return rng.poisson(profile * np.exp(rng.uniform(np.log(60), np.log(3000)))).astype(float)

    def _exchanged(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """A cell, a half or more of whose expression belongs to genes drawn at random."""
        values = self._counts(int(self.corpus.draw(1, rng)[0]), rng)
        expressed = np.flatnonzero(values)
        moved = expressed[rng.random(len(expressed)) < rng.uniform(0.5, 1.0)]
        to = rng.choice(len(values), len(moved), p=self.often)
        moving = values[moved]
        values[moved] = 0
        np.add.at(values, to, moving)
        return values
