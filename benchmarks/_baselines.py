"""Baselines of annotation: three logistic regressions, nearest neighbours and CellTypist's algorithm."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec

import anndata as ad
import numpy as np
import scanpy as sc
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import sc_duality as sd

N_GENES = 100
#: Lowest share of the counts that thinning keeps.
MIN_DEPTH = 0.08

REGRESSIONS = ("regression_log_normalised", "regression_ranks", "regression_ranks_augmented")
NEIGHBOURS, CELLTYPIST = "neighbours_pca", "celltypist"
#: Most variable genes, principal components and neighbours.
N_VARIABLE, N_COMPONENTS, N_NEIGHBOURS = 2000, 50, 15


def baselines() -> tuple[str, ...]:
    """The baselines that can be fitted here; CellTypist needs its package."""
    if find_spec("celltypist") is None:
        print("celltypist is not installed and is left out: pip install 'sc-duality[bench]'", file=sys.stderr)
        return (*REGRESSIONS, NEIGHBOURS)
    return (*REGRESSIONS, NEIGHBOURS, CELLTYPIST)


def predict(name: str, train: ad.AnnData, test: ad.AnnData, seed: int) -> NDArray[np.str_]:
    """Fit a baseline on ``train`` and predict the types of ``test``, on the genes of both."""
    shared = train.var_names.intersection(test.var_names)
    train, test = train[:, shared].copy(), test[:, shared].copy()
    if name == CELLTYPIST:
        return _celltypist(train, test, seed)
    if name == NEIGHBOURS:
        return _neighbours(train, test, seed)
    if name == "regression_ranks_augmented":
        return _regression(ranks_augmented(), thinned(train, seed), test, "balanced")
    features = log_normalised if name == "regression_log_normalised" else _ranks(None)
    return _regression(features, train, test, None)


def log_normalised(cells: ad.AnnData) -> sparse.csr_matrix:
    """log(1 + counts per 10,000), of counts or of values that are already log-normalised."""
    return per_10000(cells) if _are_counts(cells) else sparse.csr_matrix(cells.X, dtype=np.float64)


def per_10000(cells: ad.AnnData) -> sparse.csr_matrix:
    """The same with a total of 10,000 in every cell, also where a part of the genes of log-normalised cells is left."""
    X = sparse.csr_matrix(cells.X, dtype=np.float64)
    X = X if _are_counts(cells) else X.expm1()
    return sparse.csr_matrix(sparse.diags(1e4 / np.maximum(np.asarray(X.sum(1)).ravel(), 1)) @ X).log1p()


def _are_counts(cells: ad.AnnData) -> bool:
    return np.allclose(cells.X.data, np.round(cells.X.data))


def thinned(cells: ad.AnnData, seed: int, n_copies: int = 3) -> ad.AnnData:
    """The cells and copies of each with a random share of its counts."""
    rng = np.random.default_rng(seed)
    copies = [cells]
    for _ in range(n_copies):
        copy = cells.copy()
        depth = np.exp(rng.uniform(np.log(MIN_DEPTH), 0, cells.n_obs))
        X = sparse.csr_matrix(copy.X)
        X.data = rng.binomial(X.data.astype(int), np.repeat(depth, np.diff(X.indptr)))
        X.eliminate_zeros()
        copy.X = X
        copies.append(copy)
    return ad.concat(copies, merge="same", index_unique="-")


def ranks_augmented() -> Callable[[ad.AnnData], sparse.csr_matrix]:
    """Ranks without mitochondrial and ribosomal genes: the features of the strong regression."""
    return _ranks("housekeeping")


def _ranks(exclude: str | None) -> Callable[[ad.AnnData], sparse.csr_matrix]:
    def features(cells: ad.AnnData) -> sparse.csr_matrix:
        """1 / log2(2 + rank from 0) for the highest-ranked genes, 0 for all others."""
        ranked = cells.copy()
        sd.pp.cell_sentences(ranked, N_GENES, exclude=exclude)
        index = {gene: i for i, gene in enumerate(cells.var_names)}
        lists = [[gene for gene in genes if gene in index] for genes in sd.get.gene_lists(ranked)]
        values = np.concatenate([1 / np.log2(2 + np.arange(len(genes))) for genes in lists])
        columns = [index[gene] for genes in lists for gene in genes]
        return sparse.csr_matrix((values, columns, np.cumsum([0, *map(len, lists)])), shape=cells.shape)

    return features


def _regression(
    features: Callable[[ad.AnnData], sparse.csr_matrix], train: ad.AnnData, test: ad.AnnData, class_weight: str | None
) -> NDArray[np.str_]:
    model = LogisticRegression(C=10, max_iter=300, class_weight=class_weight)
    model.fit(features(train), train.obs["label"].to_numpy(str))
    return model.predict(features(test))


def _neighbours(train: ad.AnnData, test: ad.AnnData, seed: int) -> NDArray[np.str_]:
    """The most frequent label of the nearest neighbours, by cosine in principal components of variable genes.

    Validation cells were worse by Euclidean distance; genes of unit variance made no difference.
    """
    train, test = (ad.AnnData(per_10000(cells), cells.obs[["label"]], cells.var[[]]) for cells in (train, test))
    sc.pp.highly_variable_genes(train, n_top_genes=min(N_VARIABLE, train.n_vars))
    variable = train.var["highly_variable"].to_numpy()
    components = PCA(min(N_COMPONENTS, train.n_obs, variable.sum()), svd_solver="randomized", random_state=seed)
    model = make_pipeline(components, KNeighborsClassifier(N_NEIGHBOURS, metric="cosine"))
    model.fit(train[:, variable].X.toarray(), train.obs["label"].to_numpy(str))
    return model.predict(test[:, variable].X.toarray())


def _celltypist(train: ad.AnnData, test: ad.AnnData, seed: int) -> NDArray[np.str_]:
    """CellTypist trained by stochastic gradient descent with its own feature selection.

    Its default solver passes an argument that scikit-learn no longer has.
    """
    import celltypist

    train, test = (ad.AnnData(per_10000(cells), cells.obs[["label"]], cells.var[[]]) for cells in (train, test))
    model = celltypist.train(train, labels="label", use_SGD=True, feature_selection=True, random_state=seed)
    return celltypist.annotate(test, model).predicted_labels["predicted_labels"].to_numpy(str)
