"""What a user would take instead of the embedded model: logistic regressions, and CellTypist's algorithm."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import celltypist
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import sc_duality as sd

N_GENES = 100
#: How much thinner counts may become.
DEPTH = 0.08


def log_normalised(cells: ad.AnnData) -> sparse.csr_matrix:
    """log(1 + counts per 10,000), of cells that may be so already."""
    X = cells.X
    if np.allclose(X.data, np.round(X.data)):
        X = (sparse.diags(1e4 / np.maximum(np.asarray(X.sum(1)).ravel(), 1)) @ X).log1p()
    return sparse.csr_matrix(X, dtype=np.float64)


def ranks(exclude: str | None) -> Callable[[ad.AnnData], sparse.csr_matrix]:
    def features(cells: ad.AnnData) -> sparse.csr_matrix:
        """1 / log2(2 + rank from 0) for the best genes, 0 for all others."""
        ranked = cells.copy()
        sd.pp.cell_sentences(ranked, N_GENES, exclude=exclude)
        place = {gene: i for i, gene in enumerate(cells.var_names)}
        lists = [[gene for gene in genes if gene in place] for genes in sd.get.gene_lists(ranked)]
        values = np.concatenate([1 / np.log2(2 + np.arange(len(genes))) for genes in lists])
        columns = [place[gene] for genes in lists for gene in genes]
        return sparse.csr_matrix((values, columns, np.cumsum([0, *map(len, lists)])), shape=cells.shape)

    return features


def thinned(cells: ad.AnnData, seed: int, times: int = 3) -> ad.AnnData:
    """The cells and ``times`` copies of each with a random part of its counts."""
    rng = np.random.default_rng(seed)
    copies = [cells]
    for _ in range(times):
        less = cells.copy()
        depth = np.exp(rng.uniform(np.log(DEPTH), 0, cells.n_obs))
        X = sparse.csr_matrix(less.X)
        X.data = rng.binomial(X.data.astype(int), np.repeat(depth, np.diff(X.indptr)))
        X.eliminate_zeros()
        less.X = X
        copies.append(less)
    return ad.concat(copies, merge="same", index_unique="-")


def _regression(
    features: Callable[[ad.AnnData], sparse.csr_matrix], train: ad.AnnData, test: ad.AnnData, balance: str | None
) -> NDArray[np.str_]:
    model = LogisticRegression(C=10, max_iter=300, class_weight=balance)
    model.fit(features(train), train.obs["label"].to_numpy(str))
    return model.predict(features(test))


def _celltypist(train: ad.AnnData, test: ad.AnnData, seed: int) -> NDArray[np.str_]:
    """CellTypist trained by stochastic gradient descent, on 300 genes a type that a first round of it has chosen.

    Its other solver asks scikit-learn for an argument that is gone.
    """
    train, test = (ad.AnnData(log_normalised(cells), cells.obs[["label"]], cells.var[[]]) for cells in (train, test))
    model = celltypist.train(train, labels="label", use_SGD=True, feature_selection=True, random_state=seed)
    return celltypist.annotate(test, model).predicted_labels["predicted_labels"].to_numpy(str)


#: By name.
BASELINES = ("log_normalised", "ranks", "ranks_strong", "celltypist")


def said_by(name: str, train: ad.AnnData, test: ad.AnnData, seed: int) -> NDArray[np.str_]:
    """What a baseline, fitted on ``train``, says of ``test``, on the genes that both share."""
    shared = train.var_names.intersection(test.var_names)
    train, test = train[:, shared].copy(), test[:, shared].copy()
    if name == "celltypist":
        return _celltypist(train, test, seed)
    if name == "ranks_strong":
        return _regression(ranks("housekeeping"), thinned(train, seed), test, "balanced")
    return _regression(log_normalised if name == "log_normalised" else ranks(None), train, test, None)
