"""What one label a cluster is worth: ``python -m benchmarks.clusters [--model NAME] [--quick]`` (needs ``igraph``).

Cells of donors and studies that the embedded model never saw are clustered as most people do it (scanpy: 2,000 variable
genes, 30 components, Leiden), coarsely and finely, without correcting for donors. Each is annotated by itself, and
together with its cluster (``groupby``). Beside it the ``ceiling``: how many cells would be right if every cluster had
the label that most of its cells truly have, which no annotation of clusters exceeds.
"""

from __future__ import annotations

import argparse
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import sc_duality as sd
from benchmarks._report import report
from benchmarks.embedded import COARSE, Test, annotated, joined, less, scores, tests

RESOLUTIONS = (1, 5, 10)


def clusters(cells: ad.AnnData, seed: int) -> dict[int, pd.Series]:
    """Clusters of each resolution."""
    log = cells.copy()
    sc.pp.normalize_total(log, target_sum=1e4)
    sc.pp.log1p(log)
    sc.pp.highly_variable_genes(log, n_top_genes=min(2000, log.n_vars))
    sc.pp.pca(log, n_comps=30, random_state=seed)
    sc.pp.neighbors(log, random_state=seed)
    for resolution in RESOLUTIONS:
        sc.tl.leiden(log, resolution, key_added=str(resolution), flavor="igraph", n_iterations=2, random_state=seed)
    return {resolution: log.obs[str(resolution)] for resolution in RESOLUTIONS}


def judged(test: Test, model: str, seed: int) -> dict[str, Any]:
    """Accuracy cell by cell, and by clusters of each resolution."""
    truth, labels = test.cells.obs["label"].to_numpy(str), sorted(test.train.obs["label"].unique())
    if test.coarse:
        truth = np.array([COARSE.get(label, label) for label in truth])
    found: dict[str, Any] = {"cells": scores(truth, joined(test.cells, model, labels), test.coarse)["accuracy"]}
    for resolution, cluster in clusters(test.cells, seed).items():
        grouped = test.cells.copy()
        grouped.obs["cluster"] = cluster
        said = annotated(grouped, model, labels, groupby="cluster", unknown=0).obs["annotation"].to_numpy(str)
        best = pd.crosstab(cluster.to_numpy(), truth).max(axis=1).sum() / len(truth)
        found[f"resolution {resolution}"] = {
            "clusters": int(cluster.nunique()),
            "accuracy": scores(truth, said, test.coarse)["accuracy"],
            "ceiling": round(float(best), 4),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--quick", action="store_true", help="one set, 100 cells")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sd.settings.progress = False
    found = {name: test for name, test in tests().items() if test.fold == "main"}
    if args.quick:
        found = {name: less(test, args.seed) for name, test in found.items() if name == "held_out_donors"}
    results: dict[str, Any] = {}
    for name, test in found.items():
        results[name] = {"n": test.cells.n_obs, **judged(test, args.model, args.seed)}
        print(name, results[name], flush=True)
    report(
        results,
        n=sum(result["n"] for result in results.values()),
        seed=args.seed,
        packages=("scanpy", "igraph", "torch", "transformers"),
    )


if __name__ == "__main__":
    main()
