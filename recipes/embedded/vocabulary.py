"""The genes of the embedded model: markers of cell types, and genes that respond to a perturbation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import sc_duality as sd


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
