"""The embedded model on cells of donors and studies that it never saw, beside logistic regression.

``python -m benchmarks.embedded [--quick] [--model FOLDER]``. The three regressions are fitted in the
same run: on log-normalised genes, on top-100 ranks, and on ranks with the embedded model's own gene
filter, balanced classes and thinned counts. They learn from the pancreas studies (without the
held-out donors) or from PBMC3k; the embedded model also saw other tissues and another blood study.
Both choose from the types of the tissue; ``open`` is the embedded model choosing from all it knows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

import sc_duality as sd
from benchmarks import _cells
from benchmarks._report import report

N_GENES = 100
#: Labels that cannot be told apart by the truth of a set: sorted fractions name no kind of monocyte.
COARSE = {"non-classical monocyte": "classical monocyte"}


def log_normalised(cells: ad.AnnData) -> sparse.csr_matrix:
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
        lists = sd.get.gene_lists(ranked)
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
        depth = np.exp(rng.uniform(np.log(0.08), 0, cells.n_obs))
        X = sparse.csr_matrix(less.X)
        X.data = rng.binomial(X.data.astype(int), np.repeat(depth, np.diff(X.indptr)))
        X.eliminate_zeros()
        less.X = X
        copies.append(less)
    return ad.concat(copies, merge="same", index_unique="-")


def regressions(train: ad.AnnData, test: ad.AnnData, seed: int) -> dict[str, NDArray[np.str_]]:
    """What each of the three regressions says of ``test``, on the genes that both share."""
    shared = train.var_names.intersection(test.var_names)
    train, test = train[:, shared].copy(), test[:, shared].copy()
    found = {}
    for name, features, cells, balance in (
        ("log_normalised", log_normalised, train, None),
        ("ranks", ranks(None), train, None),
        ("ranks_strong", ranks("housekeeping"), thinned(train, seed), "balanced"),
    ):
        model = LogisticRegression(C=10, max_iter=300, class_weight=balance)
        model.fit(features(cells), cells.obs["label"].to_numpy(str))
        found[name] = model.predict(features(test))
    return found


def annotated(cells: ad.AnnData, model: str, labels: list[str] | None) -> NDArray[np.str_]:
    """What the embedded model says, without "unknown": the regressions never say it either."""
    asked = cells.copy()
    sd.tl.annotate(asked, model, labels=labels, unknown=0)
    return asked.obs["annotation"].to_numpy(str)


def scores(truth: NDArray[np.str_], said: NDArray[np.str_], coarse: bool) -> dict[str, float]:
    if coarse:
        truth, said = (np.array([COARSE.get(label, label) for label in x]) for x in (truth, said))
    return {
        "accuracy": round(accuracy_score(truth, said), 4),
        "macro_f1": round(f1_score(truth, said, labels=np.unique(truth), average="macro", zero_division=0), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="at most 150 cells of each set, regressions fitted on at most 800"
    )
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sd.settings.progress = False

    pancreas, blood = _cells.pancreas(), _cells.pbmc3k()
    sets = {
        "held_out_donors": (pancreas["train"], pancreas["held_out_donors"], False),
        "muraro": (pancreas["train"], pancreas["muraro"], False),
        "tritschler": (pancreas["train"], pancreas["tritschler"], False),
        "pbmc68k_reduced": (blood, _cells.pbmc68k(), True),
        "pbmc_facs_800": (blood, _cells.pbmc_facs(), True),
    }
    results = {}
    for name, (train, test, coarse) in sets.items():
        if args.quick:
            pick = np.random.default_rng(args.seed).permutation(test.n_obs)[:150]
            test = test[pick].copy()
            train = train[np.random.default_rng(args.seed).permutation(train.n_obs)[:800]].copy()
        truth = test.obs["label"].to_numpy(str)
        labels = sorted(train.obs["label"].unique())
        result = {"n": test.n_obs, **scores(truth, annotated(test, args.model, labels), coarse)}
        result["open"] = scores(truth, annotated(test, args.model, None), coarse)
        each = {kind: scores(truth, said, coarse) for kind, said in regressions(train, test, args.seed).items()}
        result["regressions"] = each
        result["logistic_regression"] = max(each.values(), key=lambda score: score["accuracy"])
        results[name] = result
        print(name, result)
    report(
        {"sets": results},
        n=sum(result["n"] for result in results.values()),
        seed=args.seed,
        packages=("scikit-learn", "torch", "transformers"),
    )


if __name__ == "__main__":
    main()
