"""CellDuality, table 5: generation of immune cells by type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from benchmarks._paper_data import PaperData
from benchmarks._paper_expression import sampled_rows
from benchmarks._paper_table import PaperTable, Scores, Setting, Split
from sc_duality.models import LanguageModel

_LABEL = "cell_type"
#: Share of test cells, fewest of a type, and most of a type unless --max-cells says otherwise; most training cells.
TEST_SHARE, MIN_TEST, MAX_TEST, MAX_TRAIN, SEED = 0.1, 10, 100, 200, 42
_KNN = {f"k-NN k={k} (%)": f"knn_accuracy_{k}" for k in (3, 5, 10, 25)}
GW = "GW"
#: Genes of a cell that are compared.
N_GENES = 100


@dataclass(frozen=True)
class GenerationPart:
    """Immune cells of 16 tissues."""

    title: str = "Human Immune"
    data: str = "dominguez_conde2022"
    metrics: tuple[str, ...] = (*_KNN, GW)

    def split(self, data: PaperData, setting: Setting) -> Split:
        """Test cells at random, with equal limits for every type."""
        most = setting.max_cells or MAX_TEST

        def choose(adata: ad.AnnData) -> ad.AnnData:
            return in_memory(adata, held_out_rows(adata.obs[_LABEL], most))

        cells = data.read(self.data, choose, backed=True)
        sd.pp.cell_sentences(cells)
        test = cells.obs["role"].to_numpy() == "test"
        return Split(cells[~test].copy(), cells[test].copy())

    def model_scores(self, split: Split, model: LanguageModel, setting: Setting) -> Scores:
        """As many cells of each type as there are test cells, by :func:`sc_duality.tl.generate`."""
        counts = split.test.obs[_LABEL].value_counts().sort_index()
        generated = sd.tl.generate(
            {str(label): int(n) for label, n in counts.items()},
            model,
            like=split.train,
            sampling=setting.sampling(),
            rng=setting.seed,
        )
        return scores(generated, split)

    def baseline_scores(self, split: Split, setting: Setting) -> Mapping[str, Scores]:
        """Real training cells of each type in the stead of generated ones; components are fitted to the others."""
        rank = split.train.obs.groupby(_LABEL, observed=True).cumcount().to_numpy()
        copied, fitted = (split.train[rank % 2 == i].copy() for i in (0, 1))
        return {"real training cells": scores(copied, Split(fitted, split.test))}


def held_out_rows(labels: pd.Series, most: int) -> dict[str, np.ndarray]:
    """Rows of test and of training cells."""
    rng = np.random.default_rng(SEED)
    known = np.flatnonzero(labels.notna().to_numpy())
    order = rng.permutation(known)
    n_test = max(1, round(TEST_SHARE * len(order)))
    found: dict[str, list[np.ndarray]] = {"test": [], "train": []}
    test, train = order[:n_test], order[n_test:]
    for label in sorted(labels.iloc[known].astype(str).unique()):
        parts = [rows[(labels.iloc[rows].astype(str) == label).to_numpy()] for rows in (test, train)]
        if min(map(len, parts)) >= MIN_TEST:
            found["test"].append(sampled_rows(np.sort(parts[0]), most, rng))
            found["train"].append(sampled_rows(np.sort(parts[1]), MAX_TRAIN, rng))
    if not found["test"]:
        raise SystemExit(f"no type of {_LABEL!r} has {MIN_TEST} of the {n_test} test cells: the file has too few cells")
    return {role: np.concatenate(rows) for role, rows in found.items()}


def in_memory(adata: ad.AnnData, rows: Mapping[str, np.ndarray], columns: tuple[str, ...] = ()) -> ad.AnnData:
    """Counts of some cells; ``obs["role"]`` has the name of their rows."""
    order = np.concatenate(list(rows.values()))
    role = np.repeat(list(rows), [len(own) for own in rows.values()])
    rank = np.argsort(order)
    found = adata[order[rank]].to_memory()
    obs = found.obs[[_LABEL, *columns]].astype(str)
    obs["role"] = role[rank]
    return ad.AnnData(found.layers["counts"], obs, found.var[[]].copy())


def scores(generated: ad.AnnData, split: Split) -> Scores:
    """k-NN accuracy, mean over types, and the Gromov–Wasserstein discrepancy of all cells together."""
    options: dict[str, Any] = {"fit": split.train, "n_genes": N_GENES, "max_cells": 500, "rng": SEED}
    knn = sd.tl.evaluate(generated, split.test, _LABEL, metrics=["knn_accuracy"], **options)
    means = knn[knn["condition"] == "mean"].set_index("metric")["value"]
    whole = sd.tl.evaluate(generated, split.test, metrics=["gromov_wasserstein"], **options)
    found = {name: 100 * float(means[metric]) for name, metric in _KNN.items()}
    return found | {GW: float(whole["value"].iloc[0])}


TABLE = PaperTable(
    "cellduality-5",
    "generation of cells by type",
    (GenerationPart(),),
    (
        f"Split: {TEST_SHARE:.0%} of the cells at random with seed {SEED}; types with fewer than {MIN_TEST} test cells "
        "are left out. As many cells of a type are generated as are tested, at temperature 1. --max-cells: most test "
        f"cells of a type, {MAX_TEST} by default.",
        f"Cells are compared as sentences of {N_GENES} genes, with the weight log10({N_GENES + 1} / r) at rank r, in "
        f"50 principal components of training cells (at most {MAX_TRAIN} of a type), by sd.tl.evaluate.",
        "k-NN accuracy: share of generated cells whose type a classifier of the test cells finds, mean over types. GW: "
        "of 500 generated and 500 test cells of all types, squared differences of distances.",
        "Real training cells (ours): other real cells in the stead of generated ones.",
    ),
    (
        "the same test cells, types and numbers of generated cells: neither CellDuality nor the paper that it follows "
        "(Cell2Sentence) states them in a form that can be repeated here",
        "the embedding and the power of GW, which are not stated: only k-NN accuracies can be compared, with care, as "
        "they depend on the number of types",
        "scVI, scGen, scDiffusion, scGPT and Cell2Sentence, which are not trained here",
    ),
)
