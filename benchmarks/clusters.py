"""Annotation by cluster: ``python -m benchmarks.clusters [--model NAME] [--quick]`` (needs ``igraph``).

Held-out cells are clustered with scanpy (2,000 variable genes, 30 principal components, Leiden at three resolutions, no
batch correction) and annotated by cell and by cluster (``groupby``). ``ceiling`` is the accuracy of the most frequent
true label of every cluster, the upper bound of annotation by cluster.
"""

from __future__ import annotations

from typing import Any

import anndata as ad
import pandas as pd
import scanpy as sc

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._held_out import HeldOut, held_out_sets, quick_sets
from benchmarks._results import parser, report
from benchmarks._scores import accuracy_and_f1, merge

RESOLUTIONS = (1, 5, 10)


def clusters(cells: ad.AnnData, seed: int) -> dict[int, pd.Series]:
    """Clusters at each resolution."""
    log = cells.copy()
    sc.pp.normalize_total(log, target_sum=1e4)
    sc.pp.log1p(log)
    sc.pp.highly_variable_genes(log, n_top_genes=min(2000, log.n_vars))
    sc.pp.pca(log, n_comps=30, random_state=seed)
    sc.pp.neighbors(log, random_state=seed)
    for resolution in RESOLUTIONS:
        sc.tl.leiden(log, resolution, key_added=str(resolution), flavor="igraph", n_iterations=2, random_state=seed)
    return {resolution: log.obs[str(resolution)] for resolution in RESOLUTIONS}


def evaluate(held_out: HeldOut, model: str, seed: int) -> dict[str, Any]:
    """Accuracy by cell, and by cluster at each resolution."""
    cells, labels = held_out.cells, held_out.labels
    truth = cells.obs["label"].to_numpy(str)
    if held_out.merged:
        truth = merge(truth)
    by_cell = accuracy_and_f1(truth, library.predict_ensemble(cells, model, labels), held_out.merged)["accuracy"]
    found: dict[str, Any] = {"cells": by_cell}
    for resolution, cluster in clusters(cells, seed).items():
        grouped = cells.copy()
        grouped.obs["cluster"] = cluster
        annotated = library.annotate(grouped, model, labels, groupby="cluster", unknown=0)
        predicted = annotated.obs["annotation"].to_numpy(str)
        majority = pd.crosstab(cluster.to_numpy(), truth).max(axis=1).sum() / len(truth)
        found[f"resolution {resolution}"] = {
            "clusters": int(cluster.nunique()),
            "accuracy": accuracy_and_f1(truth, predicted, held_out.merged)["accuracy"],
            "ceiling": round(float(majority), 4),
        }
    return found


def main() -> None:
    options = parser(__doc__, "40 shipped cells of PBMC3k")
    options.add_argument("--model", default="embedded")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    sd.settings.progress = False
    figures: dict[str, Any] = {}
    for name, held_out in (quick_sets(args.seed) if args.quick else held_out_sets()).items():
        figures[name] = {"n": held_out.cells.n_obs, **evaluate(held_out, args.model, args.seed)}
        print(name, figures[name], flush=True)
    report(
        "clusters",
        figures,
        n=sum(result["n"] for result in figures.values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scanpy", "igraph", "torch", "transformers"),
        model=args.model,
    )


if __name__ == "__main__":
    main()
