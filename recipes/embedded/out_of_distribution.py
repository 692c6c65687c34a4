"""Out-of-distribution cells: training examples of the answer ``<unknown>``.

Most are made of labelled cells: doublets of two tissues, empty droplets, and cells with genes exchanged at random. The
others are real cells of unlabelled types, from perturbation experiments. The labelled cells have study shifts as often
as in-distribution examples, so that a shift does not identify the in-distribution ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recipes.embedded.corpus import SHIFTED, UNCHANGED, Corpus

#: Probability of doublets, empty droplets, exchanged genes and real unlabelled cells.
PROBABILITIES = (0.3, 0.2, 0.3, 0.2)


class OutOfDistributionCells:
    """Samples sentences of cells of none of the corpus's types.

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
        self.frequency = np.sqrt(np.asarray((corpus.counts > 0).sum(0), dtype=float).ravel())
        self.frequency /= self.frequency.sum()

    def sentence(self, n_genes: int, rng: np.random.Generator) -> list[str]:
        """A cell's ``n_genes`` highest-ranked genes."""
        kind = rng.choice(4, p=PROBABILITIES)
        if kind == 3:
            genes = self.unlabelled[rng.integers(len(self.unlabelled))]
            return genes[:n_genes]
        values = (self._doublet, self._empty_droplet, self._exchanged)[kind](rng)
        return self.corpus.top_genes(values, n_genes, rng)

    def _counts(self, cell: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The counts of a cell, with or without a study shift."""
        if rng.random() < (1 - UNCHANGED) * SHIFTED:
            return self.corpus.shifted(cell, rng)
        return self.corpus.row(cell)

    def _doublet(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Two cells of different tissues in one droplet, at a ratio of at most three."""
        one = int(self.corpus.sample(1, rng)[0])
        other = one
        while self.tissue[other] == self.tissue[one]:
            other = int(self.corpus.sample(1, rng)[0])
        values = np.zeros(len(self.corpus.genes))
        for cell, share in zip((one, other), np.exp(rng.uniform(-0.55, 0.55, 2)), strict=True):
            counts = self._counts(cell, rng)
            values += rng.poisson(1000 * share * counts / counts.sum())
        return values

    def _empty_droplet(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """The ambient RNA of one or two studies."""
        chosen = rng.integers(len(self.corpus.ambient), size=rng.integers(1, 3))
        profile = np.mean([self.corpus.ambient[i] for i in chosen], axis=0)
        return rng.poisson(profile * np.exp(rng.uniform(np.log(60), np.log(3000)))).astype(float)

    def _exchanged(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """A cell with half or more of its expressed genes exchanged for random ones."""
        values = self._counts(int(self.corpus.sample(1, rng)[0]), rng)
        expressed = np.flatnonzero(values)
        moved = expressed[rng.random(len(expressed)) < rng.uniform(0.5, 1.0)]
        to = rng.choice(len(values), len(moved), p=self.frequency)
        moving = values[moved]
        values[moved] = 0
        np.add.at(values, to, moving)
        return values
