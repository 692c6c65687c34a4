"""How well a predicted response agrees with the observed one.

Expression is log1p(counts per 10,000), cells × genes of the panel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

import sc_duality as sd
from benchmarks._gene_space import N_COMPONENTS, distances
from benchmarks._response_sets import HeldOutGroup, log_normalised, program_genes

Cells = NDArray[np.float64]
#: Genes that change most in the real cells.
N_TOP = 50
#: Random halves of the cells for the split-half correlation.
N_SPLITS = 20


class ResponseScores:
    """Scores of predictions for one held-out group.

    Parameters
    ----------
    held_out
        The group.
    seed
        Seed of the principal components, of subsampling, and of the halves.
    """

    def __init__(self, held_out: HeldOutGroup, seed: int = 0) -> None:
        self.treated, self.reference = log_normalised(held_out.treated), log_normalised(held_out.reference)
        #: Observed change of every gene.
        self.change = self.treated.mean(0) - self.reference.mean(0)
        self.top = np.argsort(-np.abs(self.change), kind="stable")[:N_TOP]
        self.seed = seed
        cells = np.concatenate([log_normalised(part) for group in held_out.training for part in group[1:]])
        self.pca = PCA(min(N_COMPONENTS, len(cells) - 1, cells.shape[1] - 1), random_state=seed).fit(cells)
        genes = held_out.genes
        program = set(program_genes(genes)) if held_out.set == "kang" else set()
        self.program = np.flatnonzero([gene in program for gene in genes])

    def __call__(self, cells: Cells, change: Cells) -> dict[str, float]:
        """Scores of predicted cells and their mean change; NaN where nothing changes in the prediction.

        ``pearson`` and ``pearson_top50``: correlation of change over the panel and over the genes that change most.
        ``kendall``: τ-b of the change over the genes of the interferon program (Kang only). ``scFID``, ``MMD`` and
        ``Wasserstein``: between populations of equal size, in 50 principal components of the training cells.
        """
        top = self.top
        found = {
            "pearson": sd.metrics.pearson(self.change, change),
            "pearson_top50": sd.metrics.pearson(self.change[top], change[top]),
        }
        if len(self.program):
            program = self.program
            tied = np.ptp(change[program]) == 0
            found["kendall"] = np.nan if tied else sd.metrics.kendall([self.change[program]], [change[program]])
        return found | distances(self.pca.transform(self.treated), self.pca.transform(cells), self.seed)

    def ceiling(self) -> dict[str, float]:
        """What the number of cells allows.

        ``split_half``: correlation of the changes in two halves of the cells, mean over splits. ``ceiling``: highest
        expected correlation of a perfect prediction with the observed change, the root of the reliability of all
        cells, which follows from the halves by Spearman and Brown. ``split_half_kendall``: over the program.
        ``scFID``, ``MMD``, ``Wasserstein``: between the two halves of the treated cells.
        """
        rng = np.random.default_rng(self.seed)
        pearsons, taus, between = [], [], []
        for _ in range(N_SPLITS):
            treated, control = halves(self.treated, rng), halves(self.reference, rng)
            first, second = (a.mean(0) - b.mean(0) for a, b in zip(treated, control, strict=True))
            pearsons.append(sd.metrics.pearson(first, second))
            if len(self.program):
                taus.append(sd.metrics.kendall([first[self.program]], [second[self.program]]))
            if len(between) < 3:
                between.append(distances(*(self.pca.transform(half) for half in treated), self.seed))
        r = float(np.mean(pearsons))
        found = {"split_half": r, "ceiling": float(np.sqrt(max(2 * r / (1 + r), 0)))}
        if taus:
            found["split_half_kendall"] = float(np.mean(taus))
        return found | {name: float(np.mean([each[name] for each in between])) for name in between[0]}


def halves(cells: Cells, rng: np.random.Generator) -> Sequence[Cells]:
    """Two random halves."""
    return [cells[rows] for rows in np.array_split(rng.permutation(len(cells)), 2)]
