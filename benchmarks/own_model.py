"""A model of your own from two studies of the pancreas: ``python -m benchmarks.own_model --folder FOLDER [--quick]``.

``tl.train_sft`` trains a small gene model on annotation and generation and their duals, with one more of its options in
each row: the loss as a mean over texts, augmentation between studies, averaged weights, cells of none of the types, and
in the end reference cells (``tl.add_reference_cells``, of the same cells). Accuracy among the types of the training
cells on held-out donors and on two further studies, next to baselines that are fitted to the same cells. Mean and
interval over seeds; CPU seconds of training. For the last two trainings also the share of cells that become unknown
with reference cells and the calibration of ``tl.calibrate`` on validation donors, of held-out donors and of two other
tissues.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks._baselines import baselines, predict
from benchmarks._held_out import held_out_sets, shipped_pbmc3k
from benchmarks._results import kept, over_seeds, parser, report
from benchmarks._scores import accuracy_and_f1
from recipes.embedded import real_cells
from recipes.embedded.folds import is_validation
from recipes.embedded.vocabulary import vocabulary

#: Options of ``tl.train_sft`` in each row; those of a row include those of the row above.
OPTIONS: dict[str, dict[str, Any]] = {
    "mean over tokens": {"loss_per": "token"},
    "mean over texts": {"loss_per": "text"},
    "augmented between studies": {"augment": "studies"},
    "averaged weights": {"weight_averaging": 0.99},
    "cells of none of the types": {"unknown_share": 0.12},
}
#: Rows whose models tell what is unknown.
WITH_UNKNOWN = tuple(OPTIONS)[-2:]
REFERENCE = "with reference cells"
N_GENES, N_VOCABULARY, WIDTH, LAYERS, CONTEXT_LENGTH = 60, 2000, 128, 2, 140
UPDATES, QUICK_UPDATES, BATCH, LEARNING_RATE = 600, 4, 32, 2e-3
#: Share of the cells of any validation study that may become unknown.
MAX_UNKNOWN = 0.05
SETS = ("held_out_donors", "muraro", "tritschler")


class Cells(NamedTuple):
    """Training cells by study, and the cells of each test."""

    studies: list[ad.AnnData]
    tests: dict[str, ad.AnnData]
    #: Cells of validation donors by study, for calibration.
    validation: list[ad.AnnData]
    #: Cells that may become unknown: of the first test, and of other tissues.
    unknown: dict[str, ad.AnnData]

    @property
    def labels(self) -> list[str]:
        """The types of the training cells."""
        return sorted({label for study in self.studies for label in study.obs["label"]})

    @property
    def train(self) -> ad.AnnData:
        """All training cells."""
        return ad.concat(self.studies, merge="same")


def cells_of(*, quick: bool) -> Cells:
    """Two studies of the pancreas without the held-out donors, and the tests."""
    if quick:
        cells = shipped_pbmc3k()
        test = cells[2::3].copy()
        return Cells([cells[::3].copy(), cells[1::3].copy()], {"shipped cells": test}, [test], {"shipped cells": test})
    sets = held_out_sets()
    train = sets[SETS[0]].train
    study = train.obs["study"].astype(str)
    of_study = [study.str.contains(name).to_numpy() for name in ("Tosti", "Fasolino")]
    held = is_validation(train)
    return Cells(
        [train[cells & ~held].copy() for cells in of_study],
        {name: sets[name].cells for name in SETS},
        [train[cells & held].copy() for cells in of_study],
        {SETS[0]: sets[SETS[0]].cells, "retina": real_cells.retina(), "blood": shipped_pbmc3k()},
    )


def own_model(cells: Cells, name: str, folder: Path, seed: int, *, quick: bool) -> dict[str, Any]:
    """Train with the options of a row; accuracy on each test, without and with reference cells, and the time."""
    options: dict[str, Any] = {}
    for row, further in OPTIONS.items():
        options |= further
        if row == name:
            break
    start = new_model(cells.studies, folder / f"start-{seed}", seed)
    updates = QUICK_UPDATES if quick else UPDATES
    began = time.process_time()
    model = trained(cells.studies, start, folder / f"{name.replace(' ', '-')}-{seed}", seed, updates, **options)
    seconds = time.process_time() - began
    found = {"seconds": round(seconds), "accuracy": accuracies(cells, model)}
    if name in WITH_UNKNOWN:
        extended = sd.tl.add_reference_cells(cells.studies, "label", model)
        found["with_reference"] = accuracies(cells, extended)
        calibrated = sd.tl.calibrate(cells.validation, "label", extended, max_unknown=MAX_UNKNOWN)
        found["unknown"] = {other: unknown_share(of, calibrated) for other, of in cells.unknown.items()}
    return found


def new_model(studies: list[ad.AnnData], folder: Path, seed: int) -> Path:
    """A small gene model with random weights and the genes of these studies; made once."""
    if not folder.exists():
        n_cells = sum(study.n_obs for study in studies)
        genes = vocabulary(studies, "label", N_VOCABULARY, min(20, n_cells // 50))
        sd.models.new_gene_model(
            folder, genes, n_genes=N_GENES, context_length=CONTEXT_LENGTH, width=WIDTH, layers=LAYERS, rng=seed
        )
    return folder


def trained(studies: list[ad.AnnData], start: Path, folder: Path, seed: int, updates: int, **options: Any) -> Path:
    """The model, trained on annotation and generation and their duals."""
    n_cells = sum(study.n_obs for study in studies)
    return sd.tl.train_sft(
        [study.copy() for study in studies], start, folder, held_out=0.0, n_genes=N_GENES, batch_size=BATCH, rng=seed,
        tasks={"annotation": {"truth": "label"}, "generation": {"truth": "label"}},
        num_train_epochs=updates * BATCH / (4 * n_cells), learning_rate=LEARNING_RATE, weight_decay=0.01,
        warmup_steps=50 if updates > 50 else 0, **options,
    ).model  # fmt: skip


def unknown_share(cells: ad.AnnData, model: Path) -> float:
    """Share of cells that become unknown."""
    annotated = cells.copy()
    sd.tl.annotate(annotated, model)
    return round(float((annotated.obs["annotation"] == "unknown").mean()), 4)


def accuracies(cells: Cells, model: str | Path) -> dict[str, float]:
    """Accuracy on each test."""
    found = {}
    for name, test in cells.tests.items():
        annotated = test.copy()
        sd.tl.annotate(annotated, model, labels=cells.labels, unknown=0)
        found[name] = accuracy(test, annotated.obs["annotation"].to_numpy(str))
    return found


def accuracy(test: ad.AnnData, predicted: np.ndarray[Any, Any]) -> float:
    """Share of right labels."""
    return accuracy_and_f1(test.obs["label"].to_numpy(str), predicted, {})["accuracy"]


def main() -> None:
    options = parser(__doc__, "shipped cells of PBMC3k and a few updates")
    options.add_argument("--folder", type=Path, help="where models and finished parts are kept")
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = options.parse_args()
    if args.folder is None and not args.quick:
        options.error("--folder is missing: name a folder for models and finished parts")
    sd.settings.progress = False
    folder = Path(mkdtemp()) if args.quick else args.folder
    cells = cells_of(quick=args.quick)
    seeds = args.seeds[:1] if args.quick else args.seeds
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in (list(OPTIONS)[1], WITH_UNKNOWN[-1]) if args.quick else OPTIONS:
        make = partial(own_model, cells, name, folder, quick=args.quick)
        rows[name] = [kept(folder / f"{name.replace(' ', '-')}-{seed}.json", partial(make, seed)) for seed in seeds]
        print(name, rows[name], flush=True)
    figures: dict[str, Any] = {"rows": {name: summary(each, "accuracy") for name, each in rows.items()}}
    figures["seconds"] = {name: over_seeds([one["seconds"] for one in each])["mean"] for name, each in rows.items()}
    last = list(rows)[-1]
    figures["rows"][REFERENCE] = summary(rows[last], "with_reference")
    figures["unknown"] = {
        name: {other: over_seeds([one["unknown"][other] for one in rows[name]]) for other in cells.unknown}
        for name in WITH_UNKNOWN
        if name in rows
    }
    figures["baselines"] = {
        name: {test: accuracy(of, predict(name, cells.train, of, 0)) for test, of in cells.tests.items()}
        for name in baselines()
    }
    report(
        "own_model", figures, n=sum(test.n_obs for test in cells.tests.values()), seed=seeds[0], quick=args.quick,
        packages=("scikit-learn", "celltypist", "torch", "transformers", "trl"),
    )  # fmt: skip


def summary(each: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Mean over seeds of each test, and of the mean over tests."""
    tests = list(each[0][key])
    found = {name: over_seeds([one[key][name] for one in each]) for name in tests}
    return {**found, "mean": over_seeds([float(np.mean([one[key][name] for name in tests])) for one in each])}


if __name__ == "__main__":
    main()
