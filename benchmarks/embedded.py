"""Annotation by the embedded model on cells of held-out donors, studies and tissues, next to baselines.

``python -m benchmarks.embedded [--models FOLDER | --model NAME] [--quick]`` (needs the extra ``bench``). Without
``--models``, a model (by default the shipped one) is evaluated on the held-out sets of the fold ``main``. With it,
FOLDER holds models by fold and seed (``main-0``, ``muraro-0``, …: ``python -m recipes.embedded.build --out
FOLDER/muraro-0 --fold muraro``): each study of the pancreas is left out once, and each tissue for "unknown"; the result
is ``embedded_seeds``.

Baselines are fitted in the same run on the pancreas studies of the fold, on PBMC3k, or on immune cells of the training
studies; the embedded model is also trained on other tissues. All choose from the types of the tissue and have no
"unknown". ``all_types``: the embedded model with all of its labels. ``baseline``: the baseline with the highest mean
accuracy on validation cells (validation donors of the pancreas, shipped cells of PBMC3k). ``lookalikes``: cells of
types that the model lacks. ``known_unknown`` and ``ece``: means over the sets of the fold ``main``. ``generation``: see
``benchmarks.generation``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks import _library as library
from benchmarks import generation
from benchmarks._embedded_scores import chosen_baseline, evaluate, validation_accuracy
from benchmarks._held_out import HeldOut, held_out_sets, immune_sets, quick_sets
from benchmarks._lookalikes import lookalikes
from benchmarks._results import over_seeds, parser, report
from recipes.embedded.folds import FOLDS, studies, tissue_of

#: Most cells of a study of a left-out tissue.
MAX_CELLS = 500


def out_of_distribution(fold: str, models: Sequence[str], seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Share of cells of a left-out tissue that become unknown, of types that no other tissue has."""
    labels = set(library.labels_of(models[0]))
    rng = np.random.default_rng(seed)
    for name, cells in studies(FOLDS["main"]).items():
        if tissue_of(name) in FOLDS[fold].tissues:
            cells = cells[~cells.obs["label"].isin(labels).to_numpy()]
            cells = cells[rng.permutation(cells.n_obs)[:MAX_CELLS]].copy()
            unknown = [unknown_share(cells, model) for model in models]
            yield name, {"n": cells.n_obs, "unknown": over_seeds(unknown)}


def unknown_share(cells: ad.AnnData, model: str) -> float:
    """Share of cells that become unknown."""
    return float((library.annotate(cells, model, None).obs["annotation"] == "unknown").mean())


def sets_of(models: dict[str, list[str]], args: argparse.Namespace) -> dict[str, HeldOut]:
    """The held-out sets of the folds that have models."""
    if args.quick:
        return quick_sets(args.seed)
    found = held_out_sets(left_out=args.models is not None) | immune_sets()
    return {name: held_out for name, held_out in found.items() if models.get(held_out.fold)}


def measured(models: dict[str, list[str]], args: argparse.Namespace) -> dict[str, Any]:
    """All figures but those of left-out tissues."""
    sets, validation = sets_of(models, args), {}
    for held_out in sets.values():
        if held_out.tissue not in validation:
            validation[held_out.tissue] = validation_accuracy(held_out, args.seed)
    print("validation", validation, flush=True)
    baseline, rows = chosen_baseline(validation), {}
    for name, held_out in sets.items():
        rows[name] = evaluate(held_out, models[held_out.fold], baseline, args.seed)
        print(name, rows[name], flush=True)
    of_main = [row for row in rows.values() if row["fold"] == "main"]
    return {
        "sets": rows,
        "baseline": baseline,
        "validation": validation,
        "lookalikes": lookalikes(models["main"], args.quick),
        "known_unknown": round(float(np.mean([row["unknown"]["mean"] for row in of_main])), 4),
        "ece": round(float(np.mean([row["calibration_error"]["mean"] for row in of_main])), 4),
        "generation": generation.summary(models["main"][0], args.seed, args.quick),
        "n_types": len(library.labels_of(models["main"][0])),
    }


def arguments() -> argparse.Namespace:
    options = parser(__doc__, "40 shipped cells of PBMC3k, baselines fitted on the other shipped cells")
    options.add_argument("--models", type=Path, help="folder with a model for each fold and seed")
    options.add_argument("--stage", default="embedded", help="of the models in --models")
    options.add_argument("--model", default="embedded", help="evaluated without --models")
    options.add_argument("--seed", type=int, default=0)
    return options.parse_args()


def main() -> None:
    args = arguments()
    sd.settings.progress = False
    models = {"main": [args.model]}
    if args.models is not None:
        models = {fold: sorted(map(str, args.models.glob(f"{fold}-*/{args.stage}"))) for fold in FOLDS}
        if not models["main"]:
            raise SystemExit(f"There is no model {args.models}/main-*/{args.stage}: build one, or name its --stage.")
    figures = measured(models, args)
    if args.quick:
        figures["data"] = "shipped cells of PBMC3k"
    for fold, each in models.items():
        if each and FOLDS[fold].tissues:
            for name, result in out_of_distribution(fold, each, args.seed):
                figures.setdefault("out_of_distribution", {})[f"{name}, left out of {fold}"] = result
                print(name, result, flush=True)
    report(
        "embedded" if args.models is None else "embedded_seeds",
        figures,
        n=sum(result["n"] for result in figures["sets"].values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scikit-learn", "scanpy", "celltypist", "torch", "transformers"),
        model=models["main"][0],
    )


if __name__ == "__main__":
    main()
