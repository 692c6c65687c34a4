"""Annotation on panels of genes: ``python -m benchmarks.panels [--model NAME] [--quick]``.

Spatial and targeted assays measure some hundred genes. Held-out cells are limited to the most variable genes of PBMC3k
or of the training donors of the pancreas. The baseline is a logistic regression fitted in the same run on the same
training cells and the genes of each panel (ranks, balanced classes, thinned counts).
"""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import scanpy as sc

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._baselines import predict
from benchmarks._held_out import HeldOut, held_out_sets, quick_sets
from benchmarks._results import parser, report
from benchmarks._scores import accuracy_and_f1

SIZES = (200, 500, 1000, 2000)
SETS = ("held_out_donors", "pbmc_facs_800")


def panel(cells: ad.AnnData, n: int) -> list[str]:
    """The ``n`` most variable genes."""
    log = cells.copy()
    sc.pp.normalize_total(log, target_sum=1e4)
    sc.pp.log1p(log)
    sc.pp.highly_variable_genes(log, n_top_genes=n)
    return log.var_names[log.var["highly_variable"]].tolist()


def limited(held_out: HeldOut, n: int) -> HeldOut:
    """The set on a panel of ``n`` genes."""
    train, cells = held_out.train, held_out.cells
    genes = train.var_names.intersection(panel(train, n)).intersection(cells.var_names)
    return held_out._replace(train=train[:, genes].copy(), cells=cells[:, genes].copy())


def evaluate(held_out: HeldOut, model: str, seed: int) -> dict[str, Any]:
    """Accuracy of every method, a cell without a label being an error; shares of unknown and of cells with a label.

    A cell with very few genes that the model knows gets no label by the embedded model and its language model.
    """
    cells, labels = held_out.cells, held_out.labels
    predicted = {
        "embedded": library.predict_ensemble(cells, model, labels),
        "language_model": library.predict_language_model(cells, model, labels),
        "reference_classifier": library.predict_reference_classifier(cells, model, labels),
        "regression_ranks_augmented": predict("regression_ranks_augmented", held_out.train, cells, seed),
    }
    truth = cells.obs["label"].to_numpy(str)
    accuracy = {name: accuracy_and_f1(truth, each, held_out.merged)["accuracy"] for name, each in predicted.items()}
    annotated = library.annotate(cells, model, labels).obs["annotation"]
    shares = {"unknown": annotated == "unknown", "labelled": annotated.notna()}
    return accuracy | {name: round(float(np.mean(share)), 4) for name, share in shares.items()}


def main() -> None:
    options = parser(__doc__, "40 shipped cells of PBMC3k on one panel")
    options.add_argument("--model", default="embedded")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    sd.settings.progress = False
    sets = quick_sets(args.seed) if args.quick else {name: held_out_sets()[name] for name in SETS}
    figures: dict[str, Any] = {}
    for name, held_out in sets.items():
        for size in SIZES[2:3] if args.quick else SIZES:
            result = evaluate(limited(held_out, size), args.model, args.seed)
            figures[f"{name}, {size} genes"] = {"n": held_out.cells.n_obs, **result}
            print(name, size, result, flush=True)
    report(
        "panels",
        figures,
        n=sum(held_out.cells.n_obs for held_out in sets.values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scikit-learn", "scanpy", "torch", "transformers"),
        model=args.model,
    )


if __name__ == "__main__":
    main()
