"""The embedded model on cells of donors, studies and tissues that it never saw, beside what people use instead.

``python -m benchmarks.embedded [--models FOLDER] [--model NAME] [--quick]`` (needs ``celltypist``). ``--models`` has a
folder for each fold and seed (``main-0``, ``muraro-0``, …), made by ``python -m benchmarks.build_embedded --out
FOLDER/muraro-0 --fold muraro --stage annotation``; ``--stage`` says whose models in it are judged. Then every study of
the pancreas is left out once, and every tissue for "unknown". Without it, the model of the package is judged on what
the fold ``main`` leaves out.

Beside it, fitted in the same run: three logistic regressions (on log-normalised genes, on top-100 ranks, and on ranks
with housekeeping genes left out, classes balanced and counts thinned) and CellTypist's algorithm. They learn from the
pancreas studies of the fold, or from PBMC3k; the embedded model also saw other tissues and another blood study. All
choose from the types of the tissue and never say "unknown"; ``open`` is the embedded model choosing from all it knows,
``language_model`` what its language model says without the reference, ``reference`` what that says alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

import sc_duality as sd
from benchmarks import _cells
from benchmarks._baselines import BASELINES, said_by
from benchmarks._folds import FOLDS, is_validation, studies, tissue_of
from benchmarks._report import over_seeds, report
from benchmarks._sentences import sentences
from sc_duality.models import LanguageModel, read_reference_classifier

#: Labels that cannot be told apart by the truth of a set: sorted fractions name no kind of monocyte.
COARSE = {"non-classical monocyte": "classical monocyte"}
#: Cells of a study that is left out with its tissue, at most.
FOREIGN = 500


class Test(NamedTuple):
    """Cells to judge by."""

    fold: str
    #: What the baselines learn from.
    train: ad.AnnData
    cells: ad.AnnData
    coarse: bool = False


def tests() -> dict[str, Test]:
    """Every set of labelled cells that a fold leaves out."""
    pancreas, blood = _cells.pancreas(), _cells.pbmc3k()
    found = {
        "held_out_donors": Test("main", pancreas["train"], pancreas["held_out_donors"]),
        "muraro": Test("main", pancreas["train"], pancreas["muraro"]),
        "tritschler": Test("main", pancreas["train"], pancreas["tritschler"]),
        "pbmc68k_reduced": Test("main", blood, _cells.pbmc68k(), coarse=True),
        "pbmc_facs_800": Test("main", blood, _cells.pbmc_facs(), coarse=True),
    }
    whole = ad.concat(list(pancreas.values()), merge="same")
    study = whole.obs["study"].astype(str)
    for name, fold in FOLDS.items():
        if name != "main" and fold.studies:
            out = study.str.contains("|".join(fold.studies)).to_numpy()
            # Its validation donors chose the recipe.
            found[f"without_{name}"] = Test(name, whole[~out].copy(), whole[out & ~is_validation(whole)].copy())
    return found


def annotated(
    cells: ad.AnnData, model: str | LanguageModel, labels: Sequence[str] | None, **options: Any
) -> ad.AnnData:
    """The cells with what the embedded model says of them."""
    asked = cells.copy()
    sd.tl.annotate(asked, model, labels=labels, **options)
    return asked


def joined(cells: ad.AnnData, model: str | LanguageModel, labels: Sequence[str] | None) -> NDArray[np.str_]:
    """Types by the embedded model, as users ask it."""
    return annotated(cells, model, labels, unknown=0).obs["annotation"].to_numpy(str)


def alone(cells: ad.AnnData, model: str, labels: Sequence[str]) -> NDArray[np.str_]:
    """Types by its language model, without the reference."""
    return joined(cells, sd.models.load(sd.models.resolve(model).without("annotation", "in_distribution")), labels)


def read(cells: ad.AnnData, model: str, labels: Sequence[str]) -> NDArray[np.str_]:
    """Types by its reference, without the language model."""
    spec = sd.models.resolve(model)
    found = read_reference_classifier(spec, cells.var_names)
    assert found is not None, f"{model} has no reference"
    return np.array(labels)[found.class_scores(sentences(cells, spec.genes or set(), spec.n_genes), labels).argmax(1)]


def scores(truth: NDArray[np.str_], said: NDArray[np.str_], coarse: bool) -> dict[str, float]:
    if coarse:
        truth, said = (np.array([COARSE.get(label, label) for label in x]) for x in (truth, said))
    return {
        "accuracy": round(accuracy_score(truth, said), 4),
        "macro_f1": round(f1_score(truth, said, labels=np.unique(truth), average="macro", zero_division=0), 4),
    }


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], n_bins: int = 10) -> float:
    """Expected calibration error over bins of equal width: the mean gap of confidence and accuracy, by cells."""
    place = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = [
        abs(confidence[place == i].mean() - right[place == i].mean()) * (place == i).sum() for i in np.unique(place)
    ]
    return float(np.sum(gaps) / len(confidence))


def error_by_chance(confidence: NDArray[np.float64], seed: int, n: int = 500) -> float:
    """The calibration error that these cells would show on average if the confidence were exactly right."""
    rng = np.random.default_rng(seed)
    return float(np.mean([calibration_error(confidence, rng.random(len(confidence)) < confidence) for _ in range(n)]))


def accuracy(test: Test, models: Sequence[str], seed: int) -> dict[str, Any]:
    """One set: the embedded model of every seed, and the baselines."""
    truth, labels = test.cells.obs["label"].to_numpy(str), sorted(test.train.obs["label"].unique())
    result: dict[str, Any] = {"n": test.cells.n_obs, "fold": test.fold}
    ways: dict[str, tuple[Callable[..., NDArray[np.str_]], list[str] | None]] = {
        "embedded": (joined, labels), "open": (joined, None), "language_model": (alone, labels),
        "reference": (read, labels),
    }  # fmt: skip
    for name, (way, among) in ways.items():
        each = [scores(truth, way(test.cells, model, among), test.coarse) for model in models]
        result[name] = {metric: over_seeds([score[metric] for score in each]) for metric in each[0]}
    result |= {kind: scores(truth, said_by(kind, test.train, test.cells, seed), test.coarse) for kind in BASELINES}
    regressions = [result[kind]["accuracy"] for kind in BASELINES if kind != "celltypist"]
    result["above_best_regression"] = round(result["embedded"]["accuracy"]["mean"] - max(regressions), 4)
    return result


def known_cells(test: Test, models: Sequence[str], seed: int) -> dict[str, Any]:
    """How many known cells come out as unknown, and how well the confidence is calibrated, as users ask."""
    truth = np.array([COARSE.get(label, label) if test.coarse else label for label in test.cells.obs["label"]])
    unknown, error, chance = [], [], []
    for model in models:
        asked = annotated(test.cells, model, None)
        unknown.append(float((asked.obs["annotation"] == "unknown").mean()))
        free = annotated(test.cells, model, None, unknown=0)
        said = np.array([COARSE.get(label, label) if test.coarse else label for label in free.obs["annotation"]])
        confidence = free.obs["annotation_confidence"].to_numpy(float)
        error.append(calibration_error(confidence, said == truth))
        chance.append(error_by_chance(confidence, seed))
    return {
        "n": test.cells.n_obs,
        "unknown": over_seeds(unknown),
        "calibration_error": over_seeds(error),
        "calibration_error_by_chance": over_seeds(chance),
    }


def foreign_cells(fold: str, models: Sequence[str], seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """How many cells of a tissue that was left out come out as unknown, where their type was left out with it."""
    known = set(sd.models.resolve(models[0]).known("annotation", "labels"))
    rng = np.random.default_rng(seed)
    for name, cells in studies(FOLDS["main"]).items():
        if tissue_of(name) in FOLDS[fold].tissues:
            cells = cells[~cells.obs["label"].isin(known).to_numpy()]
            cells = cells[rng.permutation(cells.n_obs)[:FOREIGN]].copy()
            said = [annotated(cells, model, None).obs["annotation"] == "unknown" for model in models]
            yield name, {"n": cells.n_obs, "unknown": over_seeds([float(each.mean()) for each in said])}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one set; at most 100 cells to judge by and 300 to fit")
    parser.add_argument("--models", type=Path, help="folder with a model for each fold and seed")
    parser.add_argument("--stage", default="annotation", help="of the models in --models")
    parser.add_argument("--model", default="embedded", help="judged where there is no --models")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def less(test: Test, seed: int) -> Test:
    def some(cells: ad.AnnData, n: int) -> ad.AnnData:
        return cells[np.random.default_rng(seed).permutation(cells.n_obs)[:n]].copy()

    return test._replace(train=some(test.train, 300), cells=some(test.cells, 100))


def main() -> None:
    args = arguments()
    sd.settings.progress = False
    found = tests()
    if args.models is None:
        models = {"main": [args.model]}
    else:
        models = {fold: sorted(map(str, args.models.glob(f"{fold}-*/{args.stage}"))) for fold in FOLDS}
    judged = {name: test for name, test in found.items() if models.get(test.fold)}
    if args.quick:
        judged = {name: less(test, args.seed) for name, test in judged.items() if name == "held_out_donors"}
    results: dict[str, dict[str, Any]] = {"sets": {}, "known": {}, "foreign": {}}
    for name, test in judged.items():
        results["sets"][name] = accuracy(test, models[test.fold], args.seed)
        print(name, results["sets"][name], flush=True)
        results["known"][name] = known_cells(test, models[test.fold], args.seed)
        print(name, results["known"][name], flush=True)
    for fold, each in models.items():
        if each and FOLDS[fold].tissues:
            for name, result in foreign_cells(fold, each, args.seed):
                results["foreign"][f"{name}, left out of {fold}"] = result
                print(name, result, flush=True)
    report(
        results,
        n=sum(result["n"] for result in results["sets"].values()),
        seed=args.seed,
        packages=("scikit-learn", "celltypist", "torch", "transformers"),
    )


if __name__ == "__main__":
    main()
