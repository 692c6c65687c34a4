"""The mean of several predictions of each cell, and how each gene changes over all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..cells import adata_keys
from ._response_query import PredictedCells


def mean_response(samples: Sequence[PredictedCells]) -> tuple[PredictedCells, list[NDArray[np.float64]]]:
    """The mean prediction of each cell, and statistics of each gene over all predictions.

    A cell is ``"ok"`` if one of its predictions is. The statistics are mean and standard deviation of the change, and
    the shares of predictions in which the gene rises and falls; NaN without a prediction.
    """
    changes = sparse.vstack([one.change for one in samples], "csr")
    ok = np.concatenate([one.status == adata_keys.OK for one in samples])
    statistics = _statistics(changes[ok], changes.shape[1])
    if len(samples) == 1:
        return samples[0], statistics
    counts = ok.reshape(len(samples), -1).sum(0)
    share = sparse.diags(1 / np.maximum(counts, 1), dtype=np.float32)
    change = (share @ sum(one.change for one in samples)).tocsr()
    first = np.argmax(ok.reshape(len(samples), -1), axis=0)  # of a cell without a prediction, the first sample
    cells = np.arange(len(first))
    status = np.array([one.status for one in samples], dtype=object)[first, cells]
    control = sum((sparse.diags((first == i).astype(np.float32)) @ one.control for i, one in enumerate(samples)))
    X = (control + change).maximum(0).tocsr()
    X.eliminate_zeros()
    unknown, duplicates = (
        np.sum([getattr(one, name) for one in samples], axis=0) for name in ("n_unknown_genes", "n_duplicate_genes")
    )
    answers = [samples[i].answers[cell] for cell, i in enumerate(first)]
    return PredictedCells(X, control.tocsr(), change, status, unknown, duplicates, answers), statistics


def _statistics(changes: sparse.csr_matrix, n_genes: int) -> list[NDArray[np.float64]]:
    """Mean, standard deviation, and shares above and below 0, of each gene."""
    n = changes.shape[0]
    if n == 0:
        return [np.full(n_genes, np.nan)] * 4
    mean, square, up, down = (
        np.asarray(part.sum(axis=0), dtype=float).ravel() / n
        for part in (changes, changes.multiply(changes), changes > 0, changes < 0)
    )
    return [mean, np.sqrt(np.maximum(square - mean**2, 0)), up, down]
