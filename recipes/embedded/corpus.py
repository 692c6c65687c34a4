"""Training cells of the embedded model and their augmentation.

Cells of another study have another depth, another background and other genes. The counts of most sampled cells are
therefore shifted as studies differ, thinned, mixed with the mean of their study and limited to a panel of genes; the
ranks of all sampled cells are jittered.
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
from recipes.embedded.study_shifts import StudyShifts

#: Genes in a sentence at most.
N_GENES = 200
#: Share of sampled cells without augmentation.
UNCHANGED = 0.4
#: Share of augmented cells with a study shift.
SHIFTED = 0.6
#: A cell with fewer genes after augmentation is used without it.
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
        self.study_shifts = StudyShifts(self.counts, self.study, self.label)
        # The weight of a type of a study is the fourth root of its number of cells.
        group = pd.Series(self.study.astype(str)) + self.label
        weight = group.map(group.value_counts()).to_numpy() ** -0.75
        self.weight = weight / weight.sum()
        self.spread = self._spread()

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Indices of ``n`` cells; rare types are oversampled."""
        return rng.choice(len(self.label), n, p=self.weight)

    def sentence(self, cell: int, n_genes: int, rng: np.random.Generator) -> list[str]:
        """The ``n_genes`` highest-ranked genes of ``cell``, augmented or not, ranks jittered."""
        if rng.random() < UNCHANGED:
            return self.top_genes(self.row(cell), n_genes, rng)
        return self.augmented(cell, n_genes, rng)

    def augmented(self, cell: int, n_genes: int, rng: np.random.Generator) -> list[str]:
        """The ``n_genes`` highest-ranked genes of ``cell`` after augmentation."""
        measured = self.row(cell)
        counts = self.shifted(cell, rng) if rng.random() < SHIFTED else measured.copy()
        if rng.random() < 0.7:
            counts = rng.binomial(counts.astype(int), np.exp(rng.uniform(np.log(0.08), 0))).astype(float)
        if rng.random() < 0.5:
            background = self.ambient[self.study[cell]] * counts.sum() * rng.uniform(0, 0.2)
            counts += rng.poisson(background)
        if rng.random() < 0.4:
            counts[~self._panel(rng)] = 0
        if rng.random() < 0.5:
            counts[rng.random(len(counts)) < rng.uniform(0, 0.3)] = 0
        return self.top_genes(counts if np.count_nonzero(counts) >= MIN_GENES else measured, n_genes, rng)

    def shifted(self, cell: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The counts of a cell with a study shift, (n_genes,)."""
        return self.study_shifts.shifted(self.row(cell), int(self.study[cell]), str(self.label[cell]), rng)

    def row(self, cell: int) -> NDArray[np.float64]:
        """The counts of a cell, (n_genes,)."""
        row = self.counts[cell]
        counts = np.zeros(len(self.genes))
        counts[row.indices] = row.data
        return counts

    def top_genes(self, counts: NDArray[np.float64], n_genes: int, rng: np.random.Generator) -> list[str]:
        """The genes with the highest counts, ranks jittered."""
        expressed = np.flatnonzero(counts)
        value = np.log(counts[expressed]) + rng.normal(0, 0.25, len(expressed))
        return self.genes[expressed[np.argsort(-value)[:n_genes]]].tolist()

    def measured(self, cell: int, n_genes: int, rng: np.random.Generator) -> list[str]:
        """The ``n_genes`` highest-ranked genes of ``cell`` without augmentation, ties in random order."""
        row = self.counts[cell]
        order = np.lexsort((rng.random(len(row.data)), -row.data))[:n_genes]
        return self.genes[row.indices[order]].tolist()

    def similarity(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """Correlation of the mean expression of each two of these types, (n_labels, n_labels)."""
        means = np.stack([self._log(self.label == label).mean(0).A1 for label in labels])
        return np.corrcoef(means - means.mean(0))

    def _panel(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Genes of a simulated panel: uniform at random, or weighted by how much they differ between types."""
        size = int(np.exp(rng.uniform(np.log(200), np.log(len(self.genes)))))
        order = rng.random(len(self.genes))
        if rng.random() < 0.7:
            order = order ** (1 / self.spread)
        panel = np.zeros(len(self.genes), dtype=bool)
        panel[np.argpartition(-order, size - 1)[:size]] = True
        return panel

    def _spread(self) -> NDArray[np.float64]:
        """Standard deviation of a gene's expression over types, positive, mean 1."""
        means = np.stack([self._log(self.label == label).mean(0).A1 for label in np.unique(self.label)])
        spread = means.std(0) + 1e-3
        return spread / spread.mean()

    def _log(self, cells: NDArray[np.bool_]) -> sparse.csr_matrix:
        return log_normalised(self.counts[cells])

    def type_enrichment(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """Log enrichment of each gene in the sentences of each type, (n_genes, n_labels).

        Logarithm of the share of a type's cells with the gene, mean over studies, minus its mean over types.
        """
        ranked = self.ranked()
        shares = np.zeros((len(labels), len(self.genes)))
        for row, label in enumerate(labels):
            of_label = self.label == label
            found = [ranked[of_label & (self.study == study)].mean(0).A1 for study in np.unique(self.study[of_label])]
            shares[row] = np.mean(found, axis=0)
        log_share = np.log(shares + 0.02)
        return (log_share - log_share.mean(0)).T

    def ranked(self) -> sparse.csr_matrix:
        """Whether a gene is among the highest-ranked of a cell, (n_cells, n_genes)."""
        top = self.counts.copy()
        for start, stop in pairwise(top.indptr):
            if stop - start > N_GENES:
                values = top.data[start:stop]
                values[values < np.partition(values, -N_GENES)[-N_GENES]] = 0
        top.eliminate_zeros()
        top.data[:] = 1
        return top

    def gene_vectors(self, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Gene vectors from a truncated SVD: genes of the same cells lie close."""
        cells = np.zeros(len(self.label), dtype=bool)
        cells[self.sample(6000, rng)] = True
        log = self._log(cells)
        scale = np.sqrt(np.asarray(log.multiply(log).mean(0)).ravel()) + 1e-3
        _, _, right = randomized_svd(log @ sparse.diags(1 / scale), width, random_state=int(rng.integers(2**31)))
        return right.T / right.std()


def _counts_of(cells: ad.AnnData, genes: NDArray[np.str_]) -> sparse.csr_matrix:
    """Counts of ``genes`` in their order; 0 for genes that were not measured."""
    column = pd.Index(genes).get_indexer(cells.var_names)
    counts = sparse.coo_matrix(cells.X)
    kept = column[counts.col] >= 0
    values = (counts.data[kept].astype(np.float32), (counts.row[kept], column[counts.col[kept]]))
    return sparse.csr_matrix(values, shape=(cells.n_obs, len(genes)))


def vocabulary(studies: Sequence[ad.AnnData], groups: str, n: int, min_sentences: int = 20) -> NDArray[np.str_]:
    """The ``n`` genes with the highest marker score of those in at least ``min_sentences`` sentences; sorted.

    Genes that every cell expresses would fill the sentences without information. The marker score is the highest over
    studies: the squared difference of the highest group mean and the mean over groups (log-normalised), relative to the
    latter.
    """
    score: dict[str, float] = {}
    n_sentences: Counter[str] = Counter()
    for cells in studies:
        ranked = cells.copy()
        sd.pp.cell_sentences(ranked)
        for genes in sd.get.gene_lists(ranked):
            n_sentences.update(genes)
        group = cells.obs[groups].astype(str)
        log = log_normalised(sparse.csr_matrix(cells.X))
        chosen = [name for name, size in group.value_counts().items() if size >= 5]
        means = np.stack([log[(group == name).to_numpy()].mean(0).A1 for name in chosen])
        above = means.max(0) - means.mean(0)
        for gene, value in zip(cells.var_names, above**2 / (means.mean(0) + 0.3), strict=True):
            score[gene] = max(score.get(gene, 0.0), float(value))
    frequent = [gene for gene, count in n_sentences.items() if count >= min_sentences]
    return np.array(sorted(sorted(frequent, key=lambda gene: -score.get(gene, 0.0))[:n]))


def log_normalised(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """log(1 + counts per 10,000)."""
    total = np.maximum(np.asarray(counts.sum(1)).ravel(), 1)
    return sparse.csr_matrix(sparse.diags(1e4 / total) @ counts).log1p()
