"""Log-normalised expression and the genes that vary most, for the papers' tables."""

from __future__ import annotations

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def log_normalised(adata: ad.AnnData) -> sparse.csr_matrix:
    """ln(1 + counts per 10,000)."""
    X = sparse.csr_matrix(adata.X, dtype=np.float64)
    totals = np.maximum(np.asarray(X.sum(axis=1)).ravel(), 1)
    return sparse.csr_matrix((sparse.diags(1e4 / totals) @ X).log1p())


def variable_genes(expression: sparse.csr_matrix, n: int) -> NDArray[np.int64]:
    """The ``n`` columns with the highest variance."""
    mean = np.asarray(expression.mean(axis=0)).ravel()
    variance = np.asarray(expression.multiply(expression).mean(axis=0)).ravel() - mean**2
    return np.argsort(-variance, kind="stable")[:n]


def sampled_rows(rows: NDArray[np.int64], n: int | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most ``n`` of some rows, in their order."""
    return rows if n is None or len(rows) <= n else np.sort(rng.choice(rows, n, replace=False))
