"""Cell types that the embedded model lacks, from 20 labelled cells of each type.

The model gets them by ``sd.tl.add_reference_cells``; logistic regression on log-normalised genes is fitted on the same
cells. Both choose among the labels of these cells. Training and test cells are of different studies. The embedded model
was trained on a part of these cells, in which regulatory T cells count as CD4-positive. Known types are measured on the
held-out sets, before and after.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import scanpy as sc
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import sc_duality as sd
from benchmarks._held_out import held_out_sets, shipped_pbmc3k
from benchmarks._library import predict_ensemble
from benchmarks._scores import accuracy_and_f1
from recipes.embedded.real_cells import DATA, counts_of_log2

#: Labelled cells of a type, and types that the model lacks.
N_CELLS = 20
NEW = ("regulatory T cell",)
#: The known type that the new one is nearest to; its cells are test cells too.
NEAREST = "CD4-positive, alpha-beta T cell"
#: Labels of the studies in the model's words.
NAMES = {
    "CD8_T": "CD8-positive, alpha-beta T cell",
    "CD8 T cell": "CD8-positive, alpha-beta T cell",
    "CD4_T": "CD4-positive, alpha-beta T cell",
    "CD4 T cell": "CD4-positive, alpha-beta T cell",
    "Treg": "regulatory T cell",
    "B_memory": "B cell",
    "B_naive": "B cell",
    "NK": "natural killer cell",
    "NK cell": "natural killer cell",
    "plasma": "plasma cell",
    "DC": "dendritic cell",
    "MDC": "macrophage",
    "mast": "mast cell",
    "ILC3": "innate lymphoid cell",
}
#: Known types in these studies.
OLD = (
    "B cell", "CD4-positive, alpha-beta T cell", "CD8-positive, alpha-beta T cell", "natural killer cell",
    "dendritic cell", "macrophage", "endothelial cell", "fibroblast", "plasma cell", "mast cell",
    "innate lymphoid cell",
)  # fmt: skip


class Split(NamedTuple):
    """Labelled cells by study, and cells of new types, and of the nearest known one, of another study."""

    train: list[ad.AnnData]
    test: ad.AnnData


def run(quick: bool) -> dict[str, Any]:
    """Accuracy on new types by both, with the number of test cells; and on known types of each held-out set.

    ``quick`` measures shipped cells with a name of their own, and no held-out set.
    """
    seeds = range(1 if quick else 3)
    right: dict[str, list[tuple[bool, bool]]] = {}
    for seed in seeds:
        for split in quick_splits(seed) if quick else splits(seed):
            labels = sorted({label for cells in split.train for label in cells.obs["label"]})
            model = sd.tl.add_reference_cells(split.train, "label", rng=seed)
            truth = split.test.obs["label"].to_numpy(str)
            predicted = predict_ensemble(split.test, model, labels)
            by_regression = logistic_regression(split)
            for label, ours, theirs in zip(truth, predicted == truth, by_regression == truth, strict=True):
                right.setdefault(label, []).append((bool(ours), bool(theirs)))
    figures: dict[str, Any] = {}
    for label, pairs in right.items():
        ours, theirs = np.mean(pairs, axis=0)
        n = len(pairs) // len(seeds)
        figures[label] = {"embedded": round(float(ours), 4), "logistic_regression": round(float(theirs), 4), "n": n}
    return figures | {"known types": {} if quick else known_types()}


def studies() -> dict[str, ad.AnnData]:
    """The three studies with new types, labelled in the model's words; other types are left out."""
    found = {}
    for name in ("immune_tumour", "lymphoid_organs", "headneck_puram"):
        cells = ad.read_h5ad(DATA / f"{name}.h5ad")
        cells.obs_names = [f"{name}:{cell}" for cell in cells.obs_names]
        if name == "immune_tumour":
            cells.X = counts_of_log2(cells.X)
        cells.obs["label"] = cells.obs["cell_type"].astype(str).replace(NAMES).to_numpy()
        found[name] = cells[cells.obs["label"].isin([*NEW, *OLD])].copy()
    return found


def splits(seed: int) -> Iterator[Split]:
    """Each of the two studies with new types is tested with cells of the other."""
    rng, of = np.random.default_rng(seed), studies()
    tumour, neck = of["immune_tumour"], of["headneck_puram"]
    yield Split([few(neck, rng)], with_labels(tumour, [*NEW, NEAREST]))
    yield Split([few(tumour, rng)], with_labels(neck, [*NEW, NEAREST]))


def quick_splits(seed: int) -> Iterator[Split]:
    """Shipped cells, in which monocytes have a name that the model does not know."""
    cells = shipped_pbmc3k()
    cells.obs["label"] = cells.obs["label"].replace({"classical monocyte": "my monocyte"})
    train = few(cells, np.random.default_rng(seed))
    yield Split([train], with_labels(cells[~cells.obs_names.isin(train.obs_names)], ["my monocyte"]))


def few(cells: ad.AnnData, rng: np.random.Generator) -> ad.AnnData:
    """At most ``N_CELLS`` cells of each type; a type with fewer than five is left out."""
    shuffled = cells[rng.permutation(cells.n_obs)]
    of_type = shuffled.obs.groupby("label", observed=True).cumcount().to_numpy()
    size = shuffled.obs.groupby("label", observed=True)["label"].transform("size").to_numpy()
    return shuffled[(of_type < N_CELLS) & (size >= 5)].copy()


def with_labels(cells: ad.AnnData, labels: Any) -> ad.AnnData:
    return cells[cells.obs["label"].isin(list(labels))].copy()


def logistic_regression(split: Split) -> NDArray[np.str_]:
    """Labels by logistic regression on the log-normalised genes that all studies share."""
    shared = sorted(set.intersection(*(set(cells.var_names) for cells in (*split.train, split.test))))
    train = ad.concat([log_normalised(cells)[:, shared] for cells in split.train])
    model = LogisticRegression(max_iter=500).fit(train.X, train.obs["label"].to_numpy(str))
    return np.asarray(model.predict(log_normalised(split.test)[:, shared].X))


def log_normalised(cells: ad.AnnData) -> ad.AnnData:
    """Logarithm of counts per 10,000; other values are logarithms already."""
    found = cells.copy()
    if np.issubdtype(found.X.dtype, np.integer) or float(abs(found.X - found.X.astype(int)).max()) == 0:
        found.X = found.X.astype(np.float32)
        sc.pp.normalize_total(found, target_sum=1e4)
        sc.pp.log1p(found)
    return found


def known_types() -> dict[str, Any]:
    """Accuracy on each held-out set, by the model as it is and with 20 cells of each type of the three studies.

    ``after`` has the same options as ``before``, ``new_options`` the new types too.
    """
    rng = np.random.default_rng(0)
    model = sd.tl.add_reference_cells([few(cells, rng) for cells in studies().values()], "label")
    found = {}
    for name, held_out in held_out_sets().items():
        truth = held_out.cells.obs["label"].to_numpy(str)
        of = {
            "before": ("embedded", held_out.labels),
            "after": (model, held_out.labels),
            "new_options": (model, [*held_out.labels, *NEW]),
        }
        found[name] = {
            how: accuracy_and_f1(truth, predict_ensemble(held_out.cells, *which), held_out.merged)["accuracy"]
            for how, which in of.items()
        }
    return found
