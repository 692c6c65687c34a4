"""Annotation by the embedded model on cells of held-out donors, studies and tissues, next to baselines.

``python -m benchmarks.embedded [--models FOLDER [--left-out] | --model NAME] [--quick]`` (needs the extra ``bench``).
Without ``--models``, a model (by default the shipped one) is evaluated on the held-out sets of the fold ``main``. With
it, FOLDER holds models by fold and seed (``main-0``, ``muraro-0``, …: ``python -m recipes.embedded.build --out
FOLDER/muraro-0 --fold muraro``), and the result of the fold ``main`` is ``embedded_seeds``. With ``--left-out``, each
study of the pancreas is left out once, and each tissue for "unknown"; the result is ``embedded_left_out``.

Baselines are fitted in the same run on the pancreas studies of the fold, on PBMC3k, or on immune cells of the training
studies; the embedded model is also trained on other tissues. All choose from the types of the tissue and have no
"unknown". ``all_types``: the embedded model with all of its labels. ``baseline``: the baseline with the highest mean
accuracy on validation cells (validation donors of the pancreas, shipped cells of PBMC3k). ``lookalikes``: cells of
types that the model lacks. ``known_unknown`` and ``ece``: means over the sets of the fold ``main``. ``generation``,
where a model can: see ``benchmarks.generation``.
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
    found = held_out_sets(left_out=True) if args.left_out else held_out_sets() | immune_sets()
    return {
        name: each for name, each in found.items() if models.get(each.fold) and (each.fold != "main") == args.left_out
    }


def measured(models: dict[str, list[str]], args: argparse.Namespace) -> dict[str, Any]:
    """Accuracy, unknown and calibration of every set, and the baseline that is chosen."""
    sets, validation = sets_of(models, args), {}
    for held_out in sets.values():
        if held_out.tissue not in validation:
            validation[held_out.tissue] = validation_accuracy(held_out, args.seed)
    print("validation", validation, flush=True)
    baseline, rows = chosen_baseline(validation), {}
    for name, held_out in sets.items():
        rows[name] = evaluate(held_out, models[held_out.fold], baseline, args.seed)
        print(name, rows[name], flush=True)
    return {"sets": rows, "baseline": baseline, "validation": validation}


def of_main(models: Sequence[str], rows: dict[str, dict[str, Any]], args: argparse.Namespace) -> dict[str, Any]:
    """What is measured on the fold ``main`` alone."""
    means = {key: np.mean([row[key]["mean"] for row in rows.values()]) for key in ("unknown", "calibration_error")}
    found = {
        "lookalikes": lookalikes(models, args.quick),
        "known_unknown": round(float(means["unknown"]), 4),
        "ece": round(float(means["calibration_error"]), 4),
        "n_types": len(library.labels_of(models[0])),
    }
    if "generation" in (sd.models.resolve(models[0]).tasks or ()):
        found["generation"] = generation.summary(models[0], args.seed, args.quick)
    return found


def arguments() -> argparse.Namespace:
    options = parser(__doc__, "40 shipped cells of PBMC3k, baselines fitted on the other shipped cells")
    options.add_argument("--models", type=Path, help="folder with a model for each fold and seed")
    options.add_argument("--left-out", action="store_true", help="the other folds of --models, not main")
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
        models = {fold: each for fold, each in models.items() if each and (fold != "main") == args.left_out}
        if not models:
            raise SystemExit(f"There is no model {args.models}/FOLD-SEED/{args.stage}: build one, or name its --stage.")
    figures = measured(models, args)
    if "main" in models:
        figures |= of_main(models["main"], figures["sets"], args)
    if args.quick:
        figures["data"] = "shipped cells of PBMC3k"
    for fold, each in models.items():
        if not FOLDS[fold].tissues:
            continue
        for name, result in out_of_distribution(fold, each, args.seed):
            figures.setdefault("out_of_distribution", {})[f"{name}, left out of {fold}"] = result
            print(name, result, flush=True)
    name = "embedded_left_out" if args.left_out else "embedded" if args.models is None else "embedded_seeds"
    report(
        name,
        figures,
        n=sum(result["n"] for result in figures["sets"].values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scikit-learn", "scanpy", "celltypist", "torch", "transformers"),
        model=next(iter(models.values()))[0],
    )


if __name__ == "__main__":
    main()
