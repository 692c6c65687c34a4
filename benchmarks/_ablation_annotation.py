"""Ablation of annotation where labels are few: small models of the pancreas, aligned on donors without labels."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
from numpy.typing import NDArray

from benchmarks import _library as library
from benchmarks._ablation_setting import Setting
from benchmarks._held_out import held_out_sets, shipped_pbmc3k
from benchmarks.own_model import new_model, trained
from recipes.embedded.training_cells import at_most
from sc_duality.tasks import Annotation

#: Labelled cells of each type and study where labels are few.
FEW = 5
UPDATES, QUICK_UPDATES = 400, 2
#: Options of ``tl.train_grpo_duality``.
ALIGNMENT: dict[str, Any] = {
    "num_generations": 8, "generation_batch_size": 64, "batch_size": 64, "max_steps": 40, "learning_rate": 1e-4,
}  # fmt: skip
QUICK_ALIGNMENT: dict[str, Any] = {**ALIGNMENT, "generation_batch_size": 16, "batch_size": 16, "max_steps": 1}


def situations(folder: Path) -> dict[str, Setting]:
    """From one donor to others of its study, from one study to another, and from five cells of each type."""
    sets = held_out_sets()
    train, held_out, tritschler = sets["held_out_donors"].train, sets["held_out_donors"].cells, sets["tritschler"].cells
    fasolino, tosti = (train[of_study(train, name)].copy() for name in ("Fasolino", "Tosti"))
    few = [at_most(study, FEW, np.random.default_rng(0)) for study in (fasolino, tosti)]
    few_names = [name for cells in few for name in cells.obs_names]
    one_donor = (
        [fasolino[of_donors(fasolino, "HPAP037")]],
        fasolino[of_donors(fasolino, "HPAP022", "HPAP026", "HPAP036")],
        ad.concat([fasolino[of_donors(fasolino, "HPAP035")], held_out[of_donors(held_out, "HPAP040")]]),
    )
    one_study = (
        [fasolino],
        tritschler[of_donors(tritschler, "R229", "R245", "R266")],
        tritschler[of_donors(tritschler, "R237", "R239")],
    )
    few_cells = few, train[~train.obs_names.isin(few_names)], held_out
    return {
        "one donor": situation(folder / "one-donor", *one_donor),
        "one study": situation(folder / "one-study", *one_study),
        "one study, dual trained by contrast": situation(folder / "one-study-contrast", *one_study, contrast=1.0),
        "five cells of each type": situation(folder / "five-cells", *few_cells),
    }


def quick(folder: Path) -> dict[str, Setting]:
    """Shipped cells of blood, one update."""
    cells = shipped_pbmc3k()
    third = np.arange(cells.n_obs) % 3
    labelled, aligned, evaluated = (cells[third == i].copy() for i in range(3))
    return {"shipped cells": situation(folder / "quick", [labelled], aligned, evaluated, quick=True)}


def situation(
    folder: Path, labelled: list[ad.AnnData], aligned: ad.AnnData, evaluated: ad.AnnData, *, contrast: float = 0.0,
    quick: bool = False,
) -> Setting:  # fmt: skip
    """A model trained on the labelled cells, aligned on others, and evaluated on the labelled cells of a third part."""
    labelled = [cells.copy() for cells in labelled]
    labels = sorted({label for cells in labelled for label in cells.obs["label"]})
    aligned, evaluated = (cells[cells.obs["label"].isin(labels)].copy() for cells in (aligned, evaluated))

    def start(seed: int) -> Path:
        updates = QUICK_UPDATES if quick else UPDATES
        random = new_model(labelled, folder / f"random-{seed}", seed)
        return trained(labelled, random, folder / f"start-{seed}", seed, updates, loss_per="text", contrast=contrast)

    options = (QUICK_ALIGNMENT if quick else ALIGNMENT) | {"tasks": [Annotation(labels=labels, truth="label")]}
    return Setting(start, [aligned], options, partial(accuracy, evaluated, labels), compared=evaluated)


def accuracy(cells: ad.AnnData, labels: list[str], model: Path, _seed: int) -> dict[str, float]:
    """Share of right labels, of the cells with enough genes of the vocabulary, which is the same for all rewards."""
    obs = library.annotate(cells, model, labels, unknown=0).obs
    labelled = (obs["annotation_status"] == "ok").to_numpy()
    return {"accuracy": float((obs["annotation"].astype(str) == obs["label"].astype(str))[labelled].mean())}


def of_study(cells: ad.AnnData, name: str) -> NDArray[np.bool_]:
    """Which cells are of a study."""
    return cells.obs["study"].astype(str).str.contains(name).to_numpy()


def of_donors(cells: ad.AnnData, *names: str) -> NDArray[np.bool_]:
    """Which cells are of these donors."""
    return cells.obs["donor"].astype(str).isin(names).to_numpy()
