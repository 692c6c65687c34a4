"""What is left of annotation on a panel of genes: ``python -m benchmarks.panels [--model NAME] [--quick]``.

Spatial and targeted assays measure some hundred genes. Here, cells of donors and studies that the embedded model never
saw are limited to the genes that vary most among the cells of PBMC3k or of the training donors of the pancreas, which
is how panels are made. Beside the embedded model, its language model alone and its reference alone, a logistic
regression fitted in the same run on the same training cells and the genes of the panel (ranks, classes balanced, counts
thinned), which a user would have to fit for every panel anew.
"""

from __future__ import annotations

import argparse
from typing import Any

import anndata as ad
import numpy as np
import scanpy as sc

import sc_duality as sd
from benchmarks._baselines import said_by
from benchmarks._report import report
from benchmarks.embedded import Test, alone, annotated, joined, less, read, scores, tests

SIZES = (200, 500, 1000, 2000)
SETS = ("held_out_donors", "pbmc_facs_800")


def panel(cells: ad.AnnData, n: int) -> list[str]:
    """The genes that vary most."""
    log = cells.copy()
    sc.pp.normalize_total(log, target_sum=1e4)
    sc.pp.log1p(log)
    sc.pp.highly_variable_genes(log, n_top_genes=n)
    return log.var_names[log.var["highly_variable"]].tolist()


def judged(test: Test, model: str, seed: int) -> dict[str, Any]:
    """Accuracy of every way, and how many cells come out as unknown."""
    truth, labels = test.cells.obs["label"].to_numpy(str), sorted(test.train.obs["label"].unique())
    ways = {"embedded": joined, "language_model": alone, "reference": read}
    said = {name: way(test.cells, model, labels) for name, way in ways.items()}
    said["regression"] = said_by("ranks_strong", test.train, test.cells, seed)
    unknown = annotated(test.cells, model, labels).obs["annotation"] == "unknown"
    found: dict[str, Any] = {name: scores(truth, each, test.coarse)["accuracy"] for name, each in said.items()}
    return found | {"unknown": round(float(np.mean(unknown)), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--quick", action="store_true", help="one set and one panel, 100 cells")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sd.settings.progress = False
    found = tests()
    results: dict[str, Any] = {}
    for name in SETS[:1] if args.quick else SETS:
        test = less(found[name], args.seed) if args.quick else found[name]
        for size in SIZES[1:2] if args.quick else SIZES:
            genes = test.train.var_names.intersection(panel(test.train, size)).intersection(test.cells.var_names)
            limited = test._replace(train=test.train[:, genes].copy(), cells=test.cells[:, genes].copy())
            results[f"{name}, {size} genes"] = {"n": test.cells.n_obs, **judged(limited, args.model, args.seed)}
            print(name, size, results[f"{name}, {size} genes"], flush=True)
    report(
        results, n=sum(result["n"] for result in results.values()), seed=args.seed, packages=("scikit-learn", "scanpy")
    )


if __name__ == "__main__":
    main()
