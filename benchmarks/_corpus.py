"""Training cells of the embedded model, made harder each time they are drawn.

A cell from another laboratory has other depth, other background and other genes. So the counts of
each cell that is drawn are thinned, mixed with its study's average and limited to a panel of genes;
and its ranks are jittered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

import sc_duality as sd

#: Genes in a sentence at most.
N_GENES = 100
#: A cell that has fewer genes left is taken as it was.
MIN_GENES = 25


class Corpus:
    """Labelled cells of several studies over one vocabulary of genes.

    Parameters
    ----------
    studies
        AnnData of raw counts with ``obs["label"]`` and gene symbols as ``var_names``.
    genes
        The vocabulary, sorted.
    """

    def __init__(self, studies: Sequence[ad.AnnData], genes: NDArray[np.str_]) -> None:
        self.genes = genes
        blocks = [_counts_of(cells, self.genes) for cells in studies]
        self.counts = sparse.vstack(blocks, format="csr")
        self.study = np.repeat(np.arange(len(studies)), [cells.n_obs for cells in studies])
        self.label = np.concatenate([cells.obs["label"].to_numpy(str) for cells in studies])
        sums = [np.asarray(block.sum(0), dtype=float).ravel() for block in blocks]
        self.ambient = [total / total.sum() for total in sums]
        # A type of a study is drawn in proportion to the square root of its number of cells.
        group = pd.Series(self.study.astype(str)) + self.label
        weight = group.map(group.value_counts()).to_numpy() ** -0.5
        self.weight = weight / weight.sum()
        self.spread = self._spread()

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """``n`` cells, rare types more often than their share."""
        return rng.choice(len(self.label), n, p=self.weight)

    def sentence(self, cell: int, n_genes: int, rng: np.random.Generator) -> list[str]:
        """The best ``n_genes`` genes of ``cell`` as another laboratory might have seen it."""
        row = self.counts[cell]
        counts = np.zeros(len(self.genes))
        counts[row.indices] = row.data
        if rng.random() < 0.7:
            counts[row.indices] = rng.binomial(row.data.astype(int), np.exp(rng.uniform(np.log(0.08), 0)))
        if rng.random() < 0.5:
            background = self.ambient[self.study[cell]] * counts.sum() * rng.uniform(0, 0.2)
            counts += rng.poisson(background)
        if rng.random() < 0.4:
            counts[~self._panel(rng)] = 0
        if rng.random() < 0.5:
            counts[rng.random(len(counts)) < rng.uniform(0, 0.3)] = 0
        expressed = np.flatnonzero(counts)
        if len(expressed) < MIN_GENES:
            expressed = row.indices
            counts[expressed] = row.data
        value = np.log(counts[expressed]) + rng.normal(0, 0.25, len(expressed))
        best = expressed[np.argsort(-value)[:n_genes]]
        return self.genes[best].tolist()

    def measured(self, cell: int, n_genes: int, rng: np.random.Generator) -> list[str]:
        """The best ``n_genes`` genes of ``cell`` as it was measured, ties in random order."""
        row = self.counts[cell]
        order = np.lexsort((rng.random(len(row.data)), -row.data))[:n_genes]
        return self.genes[row.indices[order]].tolist()

    def similarity(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """Correlation of the mean expression of each two of these types, (n_labels, n_labels)."""
        means = np.stack([self._log(self.label == label).mean(0).A1 for label in labels])
        return np.corrcoef(means - means.mean(0))

    def _panel(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Genes of a made-up panel: at random, or those that tell types apart, as panels do."""
        size = int(np.exp(rng.uniform(np.log(400), np.log(len(self.genes)))))
        order = rng.random(len(self.genes))
        if rng.random() < 0.7:
            order = order ** (1 / self.spread)
        panel = np.zeros(len(self.genes), dtype=bool)
        panel[np.argpartition(-order, size - 1)[:size]] = True
        return panel

    def _spread(self) -> NDArray[np.float64]:
        """How much a gene's expression differs between types, above zero, mean 1."""
        means = np.stack([self._log(self.label == label).mean(0).A1 for label in np.unique(self.label)])
        spread = means.std(0) + 1e-3
        return spread / spread.mean()

    def _log(self, cells: NDArray[np.bool_]) -> sparse.csr_matrix:
        counts = self.counts[cells]
        total = np.maximum(np.asarray(counts.sum(1)).ravel(), 1)
        return sparse.csr_matrix(sparse.diags(1e4 / total) @ counts).log1p()

    def gene_vectors(self, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """A vector for each gene such that genes of the same cells lie close: a truncated SVD."""
        cells = np.zeros(len(self.label), dtype=bool)
        cells[self.draw(6000, rng)] = True
        log = self._log(cells)
        scale = np.sqrt(np.asarray(log.multiply(log).mean(0)).ravel()) + 1e-3
        _, _, right = randomized_svd(log @ sparse.diags(1 / scale), width, random_state=int(rng.integers(2**31)))
        return right.T / right.std()


def _counts_of(cells: ad.AnnData, genes: NDArray[np.str_]) -> sparse.csr_matrix:
    """Counts of ``genes`` in their order; a gene that was not measured is 0 everywhere."""
    place = pd.Index(genes).get_indexer(cells.var_names)
    counts = sparse.coo_matrix(cells.X)
    kept = place[counts.col] >= 0
    values = (counts.data[kept].astype(np.float32), (counts.row[kept], place[counts.col[kept]]))
    return sparse.csr_matrix(values, shape=(cells.n_obs, len(genes)))


def vocabulary(studies: Sequence[ad.AnnData], min_sentences: int = 20) -> NDArray[np.str_]:
    """Genes that the sentences of so many cells name, housekeeping genes left out."""
    named: Counter[str] = Counter()
    for cells in studies:
        ranked = cells.copy()
        sd.pp.cell_sentences(ranked, N_GENES)
        for genes in sd.get.gene_lists(ranked):
            named.update(genes)
    return np.array(sorted(gene for gene, n in named.items() if n >= min_sentences))
