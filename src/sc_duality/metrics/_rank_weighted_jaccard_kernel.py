"""Compiled rank-weighted Jaccard similarity of many pairs of gene lists."""

from __future__ import annotations

import numpy as np

from .._compiled import compiled


@compiled
def jaccard_rows(truth: np.ndarray, generated: np.ndarray, n_genes: int, out: np.ndarray) -> None:
    """Write the similarity of each row of ``truth`` and ``generated`` into ``out``.

    Parameters
    ----------
    truth, generated
        int32 (n, K1) and (n, K2): gene indices below ``n_genes``; negative values are padding.
    n_genes
        Size of the vocabulary.
    out
        float64 (n,).
    """
    longest = truth.shape[1]
    weight = 1 / np.arange(1.0, max(longest, generated.shape[1]) + 1)
    # State of each gene in row i: start + its rank in the truth, from 0, or start + longest once it has counted in
    # the generated list. The states of earlier rows are below start, so they need no reset.
    state = np.full(n_genes, -1, np.int64)
    for i in range(len(out)):
        start = i * (longest + 1)
        shared, total = 0.0, 0.0
        rank = 0
        for gene in truth[i]:
            if gene >= 0 and state[gene] < start:
                state[gene] = start + rank
                total += weight[rank]
                rank += 1
        rank = 0
        for gene in generated[i]:
            if gene < 0 or state[gene] == start + longest:
                continue
            if state[gene] < start:
                total += weight[rank]
            else:
                shared += (weight[state[gene] - start] + weight[rank]) / 2
            state[gene] = start + longest
            rank += 1
        out[i] = shared / total if total > 0 else 0.0
