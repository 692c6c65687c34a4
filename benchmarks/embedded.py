"""Annotation by the embedded model on cells of held-out donors, studies and tissues, next to baselines.

``python -m benchmarks.embedded [--models FOLDER | --model NAME] [--quick]`` (needs the extra ``bench``). Without
``--models``, a model (by default the shipped one) is evaluated on the five held-out sets of the fold ``main``. With it,
FOLDER holds models by fold and seed (``main-0``, ``muraro-0``, …: ``python -m recipes.embedded.build --out
FOLDER/muraro-0 --fold muraro --stage annotation``): each study of the pancreas is left out once, and each tissue for
"unknown"; the result is ``embedded_seeds``.

The baselines are fitted in the same run on the pancreas studies of the fold or on PBMC3k; the embedded model is also
trained on other tissues and another blood study. All choose from the types of the tissue and have no "unknown".
``all_types``: the embedded model with all of its labels. ``chosen_regression``: the regression with the highest
accuracy on validation cells of the training studies (validation donors of the pancreas, shipped cells of PBMC3k).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
from numpy.typing import NDArray

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._baselines import REGRESSIONS, baselines, predict
from benchmarks._held_out import HeldOut, held_out_sets, quick_sets, shipped_pbmc3k
from benchmarks._results import over_seeds, parser, report
from benchmarks._scores import accuracy_and_f1, calibration_error, calibration_error_by_chance, merge
from recipes.embedded.folds import FOLDS, is_validation, studies, tissue_of

#: Most cells of a study of a left-out tissue.
MAX_CELLS = 500
#: Ways to predict, and whether all labels of the model are allowed.
WAYS: dict[str, tuple[Callable[..., NDArray[np.str_]], bool]] = {
    "embedded": (library.predict_ensemble, False),
    "all_types": (library.predict_ensemble, True),
    "language_model": (library.predict_language_model, False),
    "reference_classifier": (library.predict_reference_classifier, False),
}


def annotation(held_out: HeldOut, models: Sequence[str], seed: int) -> dict[str, Any]:
    """Accuracy and macro-F1 on one set: the embedded model over seeds, and the baselines."""
    truth, merged = held_out.cells.obs["label"].to_numpy(str), held_out.merged
    result: dict[str, Any] = {"n": held_out.cells.n_obs, "fold": held_out.fold}
    for name, (way, all_types) in WAYS.items():
        labels = None if all_types else held_out.labels
        each = [accuracy_and_f1(truth, way(held_out.cells, model, labels), merged) for model in models]
        result[name] = {metric: over_seeds([scores[metric] for scores in each]) for metric in each[0]}
    for name in baselines():
        result[name] = accuracy_and_f1(truth, predict(name, held_out.train, held_out.cells, seed), merged)
    return result


def validation_accuracy(held_out: HeldOut, seed: int) -> dict[str, float]:
    """Accuracy of each regression on validation cells of the baselines' training studies."""
    train = held_out.train
    of_validation = is_validation(train)
    validation = train[of_validation].copy() if of_validation.any() else shipped_pbmc3k()
    train = train[~of_validation].copy()
    truth = validation.obs["label"].to_numpy(str)
    return {
        name: accuracy_and_f1(truth, predict(name, train, validation, seed), False)["accuracy"] for name in REGRESSIONS
    }


def in_distribution(held_out: HeldOut, models: Sequence[str], seed: int) -> dict[str, Any]:
    """Share of cells of known types that become unknown, and ECE over all labels of the model."""
    truth = held_out.cells.obs["label"].to_numpy(str)
    unknown, error, chance = [], [], []
    for model in models:
        annotated = library.annotate(held_out.cells, model, None)
        unknown.append(float((annotated.obs["annotation"] == "unknown").mean()))
        annotated = library.annotate(held_out.cells, model, None, unknown=0)
        predicted = annotated.obs["annotation"].to_numpy(str)
        correct = merge(predicted) == merge(truth) if held_out.merged else predicted == truth
        confidence = annotated.obs["annotation_confidence"].to_numpy(float)
        error.append(calibration_error(confidence, correct))
        chance.append(calibration_error_by_chance(confidence, seed))
    return {
        "n": held_out.cells.n_obs,
        "unknown": over_seeds(unknown),
        "calibration_error": over_seeds(error),
        "calibration_error_by_chance": over_seeds(chance),
    }


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


def arguments() -> argparse.Namespace:
    options = parser(__doc__, "40 shipped cells of PBMC3k, baselines fitted on the other shipped cells")
    options.add_argument("--models", type=Path, help="folder with a model for each fold and seed")
    options.add_argument("--stage", default="annotation", help="of the models in --models")
    options.add_argument("--model", default="embedded", help="evaluated without --models")
    options.add_argument("--seed", type=int, default=0)
    return options.parse_args()


def main() -> None:
    args = arguments()
    sd.settings.progress = False
    models = {"main": [args.model]}
    if args.models is not None:
        models = {fold: sorted(map(str, args.models.glob(f"{fold}-*/{args.stage}"))) for fold in FOLDS}
    sets = quick_sets(args.seed) if args.quick else held_out_sets(left_out=args.models is not None)
    figures: dict[str, Any] = {"sets": {}, "in_distribution": {}, "out_of_distribution": {}, "validation": {}}
    validation: dict[int, dict[str, float]] = {}  # sets of one tissue share their training cells
    if args.quick:
        figures["data"] = "shipped cells of PBMC3k"
    for name, held_out in sets.items():
        if not models.get(held_out.fold):
            continue
        figures["sets"][name] = annotation(held_out, models[held_out.fold], args.seed)
        figures["in_distribution"][name] = in_distribution(held_out, models[held_out.fold], args.seed)
        if not args.quick:
            if id(held_out.train) not in validation:
                validation[id(held_out.train)] = validation_accuracy(held_out, args.seed)
            accuracy = validation[id(held_out.train)]
            figures["validation"][name] = accuracy
            figures["sets"][name]["chosen_regression"] = max(accuracy, key=accuracy.__getitem__)
        print(name, figures["sets"][name], figures["in_distribution"][name], flush=True)
    for fold, each in models.items():
        if each and FOLDS[fold].tissues:
            for name, result in out_of_distribution(fold, each, args.seed):
                figures["out_of_distribution"][f"{name}, left out of {fold}"] = result
                print(name, result, flush=True)
    report(
        "embedded" if args.models is None else "embedded_seeds",
        figures,
        n=sum(result["n"] for result in figures["sets"].values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scikit-learn", "celltypist", "torch", "transformers"),
        model=args.model if args.models is None else models["main"][0],
    )


if __name__ == "__main__":
    main()
