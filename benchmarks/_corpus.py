"""Training cells of the embedded model, made harder most times they are drawn.

A cell from another laboratory has other depth, other background and other genes. So the counts of
most cells that are drawn are shifted as studies are from each other, thinned, mixed with their study's average and
limited to a panel of genes; and the ranks of all are jittered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

import sc_duality as sd
from benchmarks._laboratories import Laboratories

#: Genes in a sentence at most.
N_GENES = 200
#: Share of the cells that are shown as they were measured.
AS_MEASURED = 0.4
#: Share of the others that are shown as another study might have seen them.
ELSEWHERE = 0.6
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
        self.laboratories = Laboratories(self.counts, self.study, self.label)
        # A type of a study is drawn in proportion to the fourth root of its number of cells.
        group = pd.Series(self.study.astype(str)) + self.label
        weight = group.map(group.value_counts()).to_numpy() ** -0.75
        self.weight = weight / weight.sum()
        self.spread = self._spread()

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """``n`` cells, rare types more often than their share."""
        return rng.choice(len(self.label), n, p=self.weight)

    def sentence(self, cell: int, n_genes: int, rng: np.random.Generator) -> list[str]:
        """The best ``n_genes`` genes of ``cell``, as it was measured or harder, their ranks jittered."""
        if rng.random() < AS_MEASURED:
            return self.best(self.row(cell), n_genes, rng)
        return self.harder(cell, n_genes, rng)

    def harder(self, cell: int, n_genes: int, rng: np.random.Generator) -> list[str]:
        """The best ``n_genes`` genes of ``cell`` as another laboratory might have seen it."""
        measured = self.row(cell)
        counts = self.elsewhere(cell, rng) if rng.random() < ELSEWHERE else measured.copy()
        if rng.random() < 0.7:
            counts = rng.binomial(counts.astype(int), np.exp(rng.uniform(np.log(0.08), 0))).astype(float)
        if rng.random() < 0.5:
            background = self.ambient[self.study[cell]] * counts.sum() * rng.uniform(0, 0.2)
            counts += rng.poisson(background)
        if rng.random() < 0.4:
            counts[~self._panel(rng)] = 0
        if rng.random() < 0.5:
            counts[rng.random(len(counts)) < rng.uniform(0, 0.3)] = 0
        return self.best(counts if np.count_nonzero(counts) >= MIN_GENES else measured, n_genes, rng)

    def elsewhere(self, cell: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The counts of a cell as another laboratory might have seen them, (n_genes,)."""
        return self.laboratories.elsewhere(self.row(cell), int(self.study[cell]), str(self.label[cell]), rng)

    def row(self, cell: int) -> NDArray[np.float64]:
        """The counts of a cell, (n_genes,)."""
        row = self.counts[cell]
        counts = np.zeros(len(self.genes))
        counts[row.indices] = row.data
        return counts

    def best(self, counts: NDArray[np.float64], n_genes: int, rng: np.random.Generator) -> list[str]:
        """The best genes by these counts, their ranks jittered."""
        expressed = np.flatnonzero(counts)
        value = np.log(counts[expressed]) + rng.normal(0, 0.25, len(expressed))
        return self.genes[expressed[np.argsort(-value)[:n_genes]]].tolist()

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
        size = int(np.exp(rng.uniform(np.log(200), np.log(len(self.genes)))))
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
        return log_normalised(self.counts[cells])

    def leanings(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """How much oftener than on average the sentences of each of these types name a gene, (n_genes, n_labels).

        Logarithm of the share of a type's cells, mean over studies, above the mean of that over the types.
        """
        ranked = self.ranked()
        shares = np.zeros((len(labels), len(self.genes)))
        for row, label in enumerate(labels):
            of_label = self.label == label
            found = [ranked[of_label & (self.study == study)].mean(0).A1 for study in np.unique(self.study[of_label])]
            shares[row] = np.mean(found, axis=0)
        leaning = np.log(shares + 0.02)
        return (leaning - leaning.mean(0)).T

    def ranked(self) -> sparse.csr_matrix:
        """Which genes are among the best of each cell, (n_cells, n_genes)."""
        best = self.counts.copy()
        for start, stop in pairwise(best.indptr):
            if stop - start > N_GENES:
                values = best.data[start:stop]
                values[values < np.partition(values, -N_GENES)[-N_GENES]] = 0
        best.eliminate_zeros()
        best.data[:] = 1
        return best

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


def vocabulary(studies: Sequence[ad.AnnData], groups: str, n: int, min_sentences: int = 20) -> NDArray[np.str_]:
    """The ``n`` genes that tell groups of cells apart best, of those that so many sentences name; sorted.

    Genes that every cell expresses would fill the sentences and tell nothing. A gene is as telling as in its best
    study: its highest mean of a group above the mean of the groups (log-normalised), times how many times that is.
    """
    telling: dict[str, float] = {}
    named: Counter[str] = Counter()
    for cells in studies:
        ranked = cells.copy()
        sd.pp.cell_sentences(ranked)
        for genes in sd.get.gene_lists(ranked):
            named.update(genes)
        group = cells.obs[groups].astype(str)
        log = log_normalised(sparse.csr_matrix(cells.X))
        chosen = [name for name, size in group.value_counts().items() if size >= 5]
        means = np.stack([log[(group == name).to_numpy()].mean(0).A1 for name in chosen])
        above = means.max(0) - means.mean(0)
        for gene, value in zip(cells.var_names, above**2 / (means.mean(0) + 0.3), strict=True):
            telling[gene] = max(telling.get(gene, 0.0), float(value))
    frequent = [gene for gene, count in named.items() if count >= min_sentences]
    return np.array(sorted(sorted(frequent, key=lambda gene: -telling.get(gene, 0.0))[:n]))


def log_normalised(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """log(1 + counts per 10,000)."""
    total = np.maximum(np.asarray(counts.sum(1)).ravel(), 1)
    return sparse.csr_matrix(sparse.diags(1e4 / total) @ counts).log1p()
