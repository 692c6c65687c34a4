"""Build the embedded model from real cells: ``python -m recipes.embedded.build --out FOLDER``.

A small Llama with the prompt format ``compact``: one token for each gene and label. Every stage is a call that users
have too, and writes its model into a folder of its name in FOLDER; a finished stage is skipped, an unfinished one is
resumed:

``start``        ``models.new_gene_model``: random weights, embeddings of genes from their co-expression
``annotation``   ``tl.train_sft`` on cell types, without the dual
``tasks``        ``tl.train_sft`` on all tasks, and the duals of a part of the examples
``duality``      ``tl.train_grpo_duality`` on generation: no label of a cell is read
``embedded``     ``tl.add_reference_cells`` and ``tl.calibrate``: the finished model

The shipped model is that of a run with ``--calibrated OTHER``. It starts from OTHER/annotation, is trained on the
validation donors too from ``tasks`` on, and takes temperatures and thresholds from OTHER/embedded. ``--fold`` holds out
what ``recipes.embedded.folds`` says, ``--leave-out`` one fold of the perturbed cells. ``--skip tasks duality`` makes a
model that only annotates, in a third of the time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata as ad
import torch
from transformers import LlamaForCausalLM

import sc_duality as sd
from recipes.embedded.description import describe, take_calibration, write_json
from recipes.embedded.folds import FOLDS
from recipes.embedded.perturbed_cells import FOLDS as RESPONSE_FOLDS
from recipes.embedded.perturbed_cells import KNOCKDOWNS, PERTURBATIONS
from recipes.embedded.real_cells import CONTROL
from recipes.embedded.training_cells import (
    EXPOSURE,
    generation_contexts,
    labelled_cells,
    perturbed_cells,
    reference_cells,
    validation_cells,
)
from recipes.embedded.vocabulary import vocabulary
from sc_duality.models import SPEC_FILE
from sc_duality.tasks import Generation, Response, Sensitivity

#: Architecture, and genes of a sentence.
ARCHITECTURE: dict[str, int] = {"n_genes": 200, "context_length": 416, "width": 192, "layers": 3}
#: Genes of the vocabulary: markers of cell types, and genes that respond to a perturbation.
N_MARKERS, N_RESPONSE_GENES = 4000, 500
#: Options of every call of ``tl.train_sft``.
SFT: dict[str, Any] = {
    "held_out": 0.0, "context": ["tissue"], "augment": "studies", "loss_per": "text", "weight_averaging": 0.999,
    "weight_decay": 0.01, "warmup_steps": 100, "batch_size": 32,
}  # fmt: skip
#: Those of each stage; epochs are examples of a task for each cell.
OPTIONS: dict[str, dict[str, Any]] = {
    "annotation": {
        "num_train_epochs": 7.0, "learning_rate": 1e-3, "unknown_share": 0.1, "dual_share": 0.0,
        "train_sampling_strategy": "group_by_length",
    },
    "tasks": {
        "num_train_epochs": {"annotation": 4.2, "generation": 3.2, "response": 2.0, "sensitivity": 0.5},
        "learning_rate": 7e-4, "unknown_share": 0.06, "dual_share": 0.25, "train_sampling_strategy": "group_by_length",
    },
}  # fmt: skip
#: Options of ``tl.train_grpo_duality``.
ALIGNMENT: dict[str, Any] = {
    "num_generations": 8, "generation_batch_size": 64, "batch_size": 64, "max_steps": 50, "learning_rate": 1e-4,
}  # fmt: skip
TASKS = {
    "annotation": sd.tasks.Annotation(truth="label"),
    "generation": Generation(truth="generated"),
    "response": Response(
        perturbation="perturbation", control=str(CONTROL), match=["group"],
        perturbations={str(one): one for one in PERTURBATIONS},
    ),
    "sensitivity": Sensitivity(drug="panobinostat", truth="exposure", labels=EXPOSURE),
}  # fmt: skip


class Recipe:
    """The stages of one run."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.out = args, args.out
        self.cells = labelled_cells(args.fold, with_validation=args.calibrated is not None)

    def start(self, folder: Path, before: Path | None) -> dict[str, Any]:
        """A model with random weights."""
        perturbed = list(perturbed_cells(self.args.leave_out).values())
        markers = vocabulary(list(self.cells.values()), "label", N_MARKERS)
        responding = vocabulary(perturbed, "perturbation", N_RESPONSE_GENES)
        genes = sorted({*markers.tolist(), *responding.tolist(), *KNOCKDOWNS})
        sentences = []
        for study in self.cells.values():
            ranked = study.copy()
            sd.pp.cell_sentences(ranked, exclude="housekeeping")
            sentences += sd.get.gene_lists(ranked)
        sd.models.new_gene_model(folder, genes, cells=sentences, rng=self.args.seed, **ARCHITECTURE)
        return {"genes": len(genes), **ARCHITECTURE}

    def annotation(self, folder: Path, before: Path | None) -> dict[str, Any]:
        """Cell types only."""
        return self._supervised(folder, before, "annotation", ["annotation"], list(self.cells.values()))

    def tasks(self, folder: Path, before: Path | None) -> dict[str, Any]:
        """All tasks."""
        cells = [*self.cells.values(), *perturbed_cells(self.args.leave_out).values()]
        return self._supervised(folder, before, "tasks", list(TASKS), cells)

    def _supervised(
        self, folder: Path, before: Path | None, stage: str, tasks: list[str], cells: list[ad.AnnData]
    ) -> dict[str, Any]:
        options = {**SFT, **OPTIONS[stage]}
        run = sd.tl.train_sft(
            cells, str(before), folder, tasks=[TASKS[name] for name in tasks], rng=self.args.seed, **options
        )
        loss = float(run.history["loss"].dropna().tail(100).mean())
        return {"cells": sum(each.n_obs for each in cells), "updates": len(run.history), "loss": round(loss, 4)} | {
            name: value for name, value in options.items() if name != "held_out"
        }

    def duality(self, folder: Path, before: Path | None) -> dict[str, Any]:
        """Alignment of generation; labels serve as a list of types, not as labels of cells."""
        run = sd.tl.train_grpo_duality(
            generation_contexts(self.cells), str(before), folder, tasks=[Generation(labels="label")],
            duality=sd.Duality(form="likelihood"), context=["tissue"], rng=self.args.seed, **ALIGNMENT,
        )  # fmt: skip
        return {**ALIGNMENT, "reward": run.history["reward"].round(4).tolist()}

    def embedded(self, folder: Path, before: Path | None) -> dict[str, Any]:
        """The finished model: weights in bfloat16, reference cells and calibration."""
        described, extended = self.out / "described", self.out / "extended"
        for part in (described, extended, folder):
            shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(str(before), described, ignore=shutil.ignore_patterns("checkpoints", "history.csv"))
        model = LlamaForCausalLM.from_pretrained(described, use_safetensors=True, dtype=torch.bfloat16)
        model.config.use_cache = True  # training turns it off
        model.save_pretrained(described)
        describe(described, self.cells)
        reference = reference_cells(self.cells, sorted(sd.models.resolve(described).genes or ()))
        sd.tl.add_reference_cells(reference, "label", described, output_dir=extended, rng=self.args.seed)
        if self.args.calibrated is None:
            validation = validation_cells(self.args.fold)
            dual = "tasks" not in self.args.skip
            sd.tl.calibrate(validation, "label", extended, output_dir=folder, dual=dual, rng=self.args.seed)
        else:
            shutil.copytree(extended, folder)
            take_calibration(folder, self.args.calibrated / "embedded")
        return {"cells": sum(each.n_obs for each in reference)}


STAGES: dict[str, Callable[[Recipe, Path, Path | None], dict[str, Any]]] = {
    "start": Recipe.start,
    "annotation": Recipe.annotation,
    "tasks": Recipe.tasks,
    "duality": Recipe.duality,
    "embedded": Recipe.embedded,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the models of the stages")
    parser.add_argument("--stage", choices=tuple(STAGES), default="embedded", help="last stage")
    parser.add_argument("--skip", choices=tuple(STAGES)[2:-1], nargs="+", default=[], help="stages that are left out")
    parser.add_argument("--fold", choices=tuple(FOLDS), default="main")
    parser.add_argument("--calibrated", type=Path, help="folder of a run without the validation donors")
    parser.add_argument("--leave-out", type=int, choices=range(len(RESPONSE_FOLDS)), help="fold of the perturbed cells")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    recipe, before = Recipe(args), None
    record_file = args.out / "record.json"
    if args.calibrated is not None and not record_file.exists():
        of_other = json.loads((args.calibrated / "record.json").read_text(encoding="utf-8"))
        write_json(record_file, {stage: of_other[stage] for stage in ("start", "annotation")})
    record = json.loads(record_file.read_text(encoding="utf-8")) if record_file.exists() else {}
    for stage, make in STAGES.items():
        if stage in args.skip:
            continue
        shared = args.calibrated is not None and stage in ("start", "annotation")
        folder = (args.calibrated if shared else args.out) / stage
        if stage not in record:
            began = time.perf_counter()
            found = make(recipe, folder, before)
            record[stage] = {**found, "seconds": round(time.perf_counter() - began)}
            write_json(record_file, record)
            print(stage, json.dumps(record[stage]), flush=True)
        before = folder
        if stage == args.stage:
            break
    if args.stage == "embedded":
        versions = {name: version(name) for name in ("sc-duality", "torch", "transformers", "trl")}
        settings = {"fold": args.fold, "seed": args.seed, "date": date.today().isoformat(), "versions": versions}
        write_json(args.out / "embedded" / "training.json", {**settings, "stages": record})
        print(sd.models.resolve(args.out / "embedded"), (args.out / "embedded" / SPEC_FILE), flush=True)


if __name__ == "__main__":
    main()
