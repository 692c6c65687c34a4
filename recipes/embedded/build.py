"""Build the embedded model from real cells: ``python -m recipes.embedded.build --out FOLDER``.

A small Llama with the prompt format ``compact``: one token for each gene and label. It has three stages of training:
annotation, with an answer for cells of none of the types (``annotation``); all tasks and their duals (``tasks``); and
alignment of generation by duality, without labels of cells (``duality``). Each stage writes its model into a folder of
its name in FOLDER and is skipped if that exists.

The shipped model is the last stage of a run with ``--calibrated MODEL``, which is trained on the validation donors too
and takes temperatures and thresholds from MODEL, a run without that option. ``--fold`` holds out what
``recipes.embedded.folds`` says. ``--leave-out`` holds out one fold of the perturbed cells.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import torch
from transformers import LlamaForCausalLM

import sc_duality as sd
from recipes.embedded import calibration, cell_types
from recipes.embedded.corpus import N_GENES, Corpus, vocabulary
from recipes.embedded.description import describe, tokens
from recipes.embedded.folds import FOLDS, PANELS, tissue_of, training_cells
from recipes.embedded.out_of_distribution import OutOfDistributionCells
from recipes.embedded.perturbed_cells import FOLDS as RESPONSE_FOLDS
from recipes.embedded.perturbed_cells import PerturbedPairs, perturbed_sets
from recipes.embedded.reference_classifier import write_reference_classifier
from recipes.embedded.sentences import sentences
from recipes.embedded.training import copy_weights, initialise_embeddings, make_model, make_tokenizer, train
from recipes.embedded.training_examples import TrainingExamples
from sc_duality.models import SPEC_FILE
from sc_duality.tasks import Generation

#: Updates and peak learning rate of the supervised stages.
STEPS, LEARNING_RATES = {"annotation": 2200, "tasks": 3600}, {"annotation": 1e-3, "tasks": 7e-4}
BATCH = 32
#: Alignment: cells of a type and study that give its context (the tissue), and options of ``tl.train_grpo_duality``.
CELLS_PER_TYPE = 10
ALIGNMENT: dict[str, Any] = {
    "num_generations": 8, "generation_batch_size": 64, "batch_size": 64, "max_steps": 50, "learning_rate": 1e-4,
}  # fmt: skip
#: Genes of the vocabulary: markers of cell types, and genes that respond to a perturbation.
N_MARKERS, N_RESPONSE_GENES = 4000, 500
#: Fewest known genes of a real out-of-distribution cell.
MIN_GENES = 20


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def labelled_cells(args: argparse.Namespace) -> dict[str, ad.AnnData]:
    """The labelled training cells of a run, by study."""
    return training_cells(FOLDS[args.fold], with_validation=args.calibrated is not None)


def supervised(stage: str, out: Path, start: Path | None, args: argparse.Namespace) -> None:
    """One of the first two stages, from random weights or from the model in ``start``."""
    studies = labelled_cells(args)
    cells = list(studies.values())
    unlabelled = perturbed_sets(None if args.leave_out is None else RESPONSE_FOLDS[args.leave_out])
    genes = np.union1d(
        vocabulary(cells, "label", N_MARKERS), vocabulary(list(unlabelled.values()), "perturbation", N_RESPONSE_GENES)
    )
    corpus = Corpus(cells, genes)
    labels = [label for label in cell_types.ONTOLOGY if label in set(corpus.label)]
    tokenizer = make_tokenizer(tokens(labels, genes.tolist()))
    model = make_model(tokenizer, args.width, args.layers)
    if start is None:
        initialise_embeddings(model, corpus, tokenizer, labels, args.seed)
    else:
        copy_weights(model, start, tokenizer)
    all_tasks = stage == "tasks"
    examples = training_examples(corpus, tokenizer, list(studies), unlabelled, all_tasks, args.seed)
    batches = examples.batches(BATCH) if all_tasks else examples.annotation_batches(BATCH)
    steps = args.steps or STEPS[stage]
    began = time.perf_counter()
    losses = train(model, batches, steps, LEARNING_RATES[stage], compiled=args.compiled)
    seconds = time.perf_counter() - began
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    write_json(out / SPEC_FILE, describe(studies, labels, model.num_parameters(), all_tasks))
    record = {
        "steps": steps, "batch": BATCH, "learning_rate": LEARNING_RATES[stage], "seconds": round(seconds),
        "cells": len(corpus.label), "final_loss": round(float(np.mean(losses[-100:])), 4),
    }  # fmt: skip
    finish(stage, out, start, args, record)


def training_examples(
    corpus: Corpus, tokenizer: Any, studies: list[str], unlabelled: dict[str, ad.AnnData], all_tasks: bool, seed: int
) -> TrainingExamples:
    """The sampler of training examples of a supervised stage."""
    tissues = [tissue_of(name) for name in studies]
    known_genes = set(corpus.genes)
    others = [sentences(unlabelled[name], known_genes, N_GENES) for name in ("glioblastoma", "crispri")]
    real = [genes for cells in others for genes in cells if len(genes) >= MIN_GENES]
    panels = {i for i, name in enumerate(studies) if name in PANELS}
    pairs = PerturbedPairs(list(unlabelled.values()), N_GENES, frozenset(known_genes)) if all_tasks else None
    unknown = OutOfDistributionCells(corpus, tissues, real)
    return TrainingExamples(corpus, tokenizer, tissues, panels, unknown, pairs, np.random.default_rng(seed))


def aligned(out: Path, start: Path, args: argparse.Namespace) -> None:
    """The last stage: alignment of generation by duality. Labels serve as a list of types, not as labels of cells."""
    contexts = []
    for name, cells in labelled_cells(args).items():
        if name not in PANELS:
            chosen = cells[(cells.obs.groupby("label", observed=True).cumcount() < CELLS_PER_TYPE).to_numpy()].copy()
            chosen.obs["tissue"] = tissue_of(name)
            contexts.append(chosen)
    began = time.perf_counter()
    run = sd.tl.train_grpo_duality(
        contexts, start, out, tasks=[Generation(labels="label")], duality=sd.Duality(form="likelihood"),
        context=["tissue"], rng=args.seed, **ALIGNMENT,
    )  # fmt: skip
    model = LlamaForCausalLM.from_pretrained(out, use_safetensors=True, dtype=torch.bfloat16)
    model.config.use_cache = True  # training turns it off
    model.save_pretrained(out)
    record = {**ALIGNMENT, "seconds": round(time.perf_counter() - began), "reward": run.history["reward"].tolist()}
    finish("duality", out, start, args, record)


def finish(stage: str, out: Path, start: Path | None, args: argparse.Namespace, record: dict[str, Any]) -> None:
    """Write the reference classifier, the calibration and ``training.json``."""
    spec = sd.models.resolve(out)
    genes = np.array(sorted(spec.genes or ()))
    studies = labelled_cells(args)
    accuracy: Any
    write_reference_classifier(out, genes, list(spec.known("annotation", "labels")), list(studies.values()), args.seed)
    if args.calibrated is None:
        accuracy, calibrated = calibration.calibrate(out, FOLDS[args.fold], args.seed, stage != "annotation")
    else:
        accuracy, calibrated = "trained on", calibration.calibration_of(args.calibrated)
    content = json.loads((out / SPEC_FILE).read_text(encoding="utf-8"))
    content["knows"]["annotation"] |= calibrated["knows"]["annotation"]
    write_json(out / SPEC_FILE, content | {name: value for name, value in calibrated.items() if name != "knows"})
    before = {} if start is None else {"started_from": json.loads((start / "training.json").read_text("utf-8"))}
    training = {
        "stage": stage, "fold": args.fold, "seed": args.seed, **record, "date": date.today().isoformat(),
        **({} if args.leave_out is None else {"left_out": RESPONSE_FOLDS[args.leave_out]._asdict()}),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("sc-duality", "torch", "transformers")},
        "validation_donors": accuracy, **calibrated, **before,
    }  # fmt: skip
    write_json(out / "training.json", training)
    print(json.dumps(training), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the models of the stages")
    parser.add_argument("--stage", choices=("annotation", "tasks", "duality"), default="duality", help="last stage")
    parser.add_argument("--fold", choices=tuple(FOLDS), default="main")
    parser.add_argument("--calibrated", type=Path, help="train on the validation donors too, calibrated as this model")
    parser.add_argument("--leave-out", type=int, choices=range(len(RESPONSE_FOLDS)), help="fold of the perturbed cells")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="of each supervised stage")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument(
        "--compiled", action="store_true", help="compile the loss: a third faster; needs a C++ compiler"
    )
    return parser.parse_args()


def main() -> None:
    args = arguments()
    sd.settings.progress = False
    torch.set_flush_denormal(True)  # denormal squared gradients of rare genes slow the optimizer down
    start: Path | None = None
    for stage in ("annotation", "tasks", "duality"):
        out = args.out / stage
        if not (out / "training.json").exists():
            torch.manual_seed(args.seed)
            if stage == "duality" and start is not None:
                aligned(out, start, args)
            else:
                supervised(stage, out, start, args)
        start = out
        if stage == args.stage:
            break


if __name__ == "__main__":
    main()
