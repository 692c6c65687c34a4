"""Tables of predicted labels: InstructCell's filters and split, accuracy and macro F1, and a regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anndata as ad
import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import sc_duality as sd
from benchmarks._paper_expression import log_normalised, variable_genes
from benchmarks._paper_table import Scores, Split

#: InstructCell's filters, its number of variable genes, and the seed of its split.
MIN_GENES, MIN_CELLS, MIN_LABEL, N_VARIABLE, SPLIT_SEED = 200, 8, 20, 3600, 42
ACCURACY, F1 = "Acc. (%)", "F1 (%)"
METRICS = (ACCURACY, F1)
HOW = (
    f"Cells with fewer than {MIN_GENES} genes, genes in fewer than {MIN_CELLS} cells, and labels with fewer than "
    f"{MIN_LABEL} cells are left out, as InstructCell does, whose splits the paper takes.",
    f"Split: 80 % training, 10 % validation, 10 % test, at random by cell with seed {SPLIT_SEED}, without regard to "
    "donors, as InstructCell does; test cells are measured. The regression reads the training cells.",
    "Accuracy: a label counts if it is the true text; a missing label is wrong. F1: mean over the true labels, in %.",
    f"Logistic regression (ours): ln(1 + counts per 10,000) of the {N_VARIABLE} genes that vary most in the training "
    "cells.",
)
NOT_REPEATED = (
    "the same test cells: InstructCell's seed and shares are known, not the order of its cells; ours are split by "
    "scikit-learn's train_test_split in the order of the published files",
    f"InstructCell's {N_VARIABLE} highly variable genes: sentences rank all genes, as the paper's length of a sentence "
    "and its genes are not stated",
    "mean ± standard deviation over five runs: a label at temperature 0 does not vary; trainings are the user's",
    "the paper's own models, whose weights are not published: --model takes any number of others",
)


def filtered(adata: ad.AnnData, label: str) -> ad.AnnData:
    """Cells with a label that pass InstructCell's filters."""
    X = sparse.csr_matrix(adata.X)
    cells = np.asarray(X.getnnz(axis=1) >= MIN_GENES) & adata.obs[label].notna().to_numpy()
    genes = X[cells].getnnz(axis=0) >= MIN_CELLS
    found = adata[cells, genes].copy()
    found.X = sparse.csr_matrix(found.X)
    n = found.obs[label].astype(str).value_counts()
    found = found[found.obs[label].astype(str).isin(n.index[n >= MIN_LABEL]).to_numpy()].copy()
    if found.obs[label].nunique() < 2:
        raise SystemExit(
            f"fewer than two labels of {label!r} have {MIN_LABEL} cells with {MIN_GENES} genes each: {dict(n)}"
        )
    found.obs[label] = found.obs[label].astype(str)
    return found


def random_split(adata: ad.AnnData, max_cells: int | None) -> Split:
    """80 % training and 10 % test cells; the validation cells are in neither."""
    train, rest = train_test_split(np.arange(adata.n_obs), test_size=0.2, random_state=SPLIT_SEED)
    _, test = train_test_split(rest, test_size=0.5, random_state=SPLIT_SEED)
    return Split(adata[train].copy(), adata[test[:max_cells]].copy())


def in_capitals(adata: ad.AnnData) -> ad.AnnData:
    """Mouse symbols in capitals, which most human orthologs have; a name that occurs twice is kept once."""
    adata.var_names = adata.var_names.astype(str).str.upper()
    return adata[:, ~adata.var_names.duplicated()].copy()


def label_scores(truth: Sequence[str], predicted: Sequence[object]) -> Scores:
    """Accuracy and macro F1 in percent."""
    return {
        ACCURACY: 100 * sd.metrics.accuracy(truth, predicted),
        F1: 100 * sd.metrics.macro_f1(truth, predicted),
    }


def predicted_labels(adata: ad.AnnData, key: str) -> list[object]:
    """The labels of a result, ``None`` for a missing one."""
    labels = adata.obs[key].astype(object)
    return labels.where(labels.notna(), None).tolist()


def regression_scores(split: Split, label: str) -> Mapping[str, Scores]:
    """Logistic regression and the most frequent label, both from the training cells."""
    train, test = (log_normalised(cells) for cells in split)
    genes = variable_genes(train, N_VARIABLE)
    labels, truth = split.train.obs[label].to_numpy(str), split.test.obs[label].tolist()
    model = LogisticRegression(C=1.0, max_iter=300).fit(train[:, genes], labels)
    most = split.train.obs[label].value_counts().index[0]
    return {
        "logistic regression": label_scores(truth, model.predict(test[:, genes]).tolist()),
        "most frequent label": label_scores(truth, [most] * len(truth)),
    }
