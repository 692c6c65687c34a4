"""Build the embedded model from real cells: ``python -m benchmarks.build_embedded --out FOLDER``.

A small Llama reads the prompt format ``compact``, one token a gene and a label. It learns in three stages: to name a
cell's type, or that it is none of the types (``annotation``); all tasks and their duals (``tasks``); and to write cells
whose type it recognises, by duality, without labels (``duality``, with :func:`sc_duality.tl.train_grpo_duality`). Each
stage leaves its model in a folder of its name in FOLDER and is not run again if it is there. What is shipped is the
``duality`` of a second run, which learns from the validation donors too: ``--calibrated`` names the model of the first,
by which temperature and threshold were found on them.

``--fold`` leaves out what ``benchmarks._folds`` says, ``--stage annotation`` ends after the first stage, which is what
``benchmarks.embedded --models`` compares; ``--leave-out`` leaves out one fold of the perturbed cells as well.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import time
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import torch
from transformers import LlamaForCausalLM

import sc_duality as sd
from benchmarks import _calibration, _cells
from benchmarks._corpus import N_GENES, Corpus, vocabulary
from benchmarks._folds import FOLDS, PANELS, TISSUES, learned, tissue_of
from benchmarks._foreign import Foreign
from benchmarks._recipe import ANNOTATION, DRUG, EXPOSURE, NONE, RESPONSE, SENSITIVITY, Recipe
from benchmarks._reference import write_reference
from benchmarks._responses import FOLDS as RESPONSE_FOLDS
from benchmarks._responses import PERTURBATIONS, Responses, perturbed_sets
from benchmarks._sentences import sentences
from benchmarks._training import make_model, make_tokenizer, set_vectors, take, train
from sc_duality.models import SPEC_FILE

logger = logging.getLogger(__name__)

#: Updates and peak of the learning rate of the stages that are supervised.
STEPS, LEARNING_RATES = {"annotation": 2200, "tasks": 3600}, {"annotation": 1e-3, "tasks": 7e-4}
BATCH = 32
#: Alignment: cells of a type and study of which it reads the tissue, and what ``tl.train_grpo_duality`` is told.
SURROUNDINGS = 10
DUALITY: dict[str, Any] = {
    "dual": "likelihood", "group_size": 8, "rollout": 64, "batch_size": 64, "steps": 50, "learning_rate": 1e-4,
}  # fmt: skip
#: Genes of the vocabulary that tell types apart, and perturbed from untreated cells.
N_TELLING, N_CHANGED = 4000, 500
#: A real cell of no known type with fewer known genes is not shown.
MIN_GENES = 20
#: Words of the prompt format that are neither gene nor label.
FIXED = (
    *("annotate", "inpaint", "generate", "respond", "cause", "sensitivity"),
    *("cell", "type", "hidden", "after", "by", "response"),
)
#: What users of the model are told when they use it, by task.
CAUTIONS = {
    "response": (
        "its predictions hardly depend on the perturbation; simple baselines predict responses better (see its card)"
    ),
    "sensitivity": "it distinguishes treated from untreated glioblastoma cells, not sensitive from resistant ones",
}


def words(labels: list[str], genes: list[str]) -> list[str]:
    """Every word of the model."""
    names = [*TISSUES, DRUG, *EXPOSURE, *(one.operation for one in PERTURBATIONS)]
    names += [one.target for one in PERTURBATIONS if one.operation in ("drug", "cytokine")]
    control = dict.fromkeys(f"<{name}>" for name in (*FIXED, *names))
    return [*control, *(ANNOTATION.answer(label) for label in labels), *genes, NONE]


def expression_model(found: dict[str, ad.AnnData]) -> dict[str, float]:
    """The line from ranks to expression: the mean of those of the studies that measure all genes."""
    lines = []
    for name, cells in found.items():
        if name not in PANELS:
            ranked = cells.copy()
            sd.pp.cell_sentences(ranked, N_GENES)
            sd.pp.fit_expression(ranked)
            lines.append(ranked.uns["cell_sentence"]["expression_model"])
    return {name: round(float(np.mean([line[name] for line in lines])), 4) for name in ("slope", "intercept")}


def describe(found: dict[str, ad.AnnData], labels: list[str], n_parameters: int, perturbed: bool) -> dict[str, Any]:
    """What ``sc_duality.json`` says of the model, but for the calibration."""
    known = [{name: value for name, value in asdict(one).items() if value} for one in PERTURBATIONS]
    coarse = {label: _cells.COARSE[label] for label in labels}
    terms = _cells.ONTOLOGY | _cells.COARSE_ONTOLOGY
    label_sets: dict[str, set[str]] = {}
    for name, cells in found.items():
        label_sets.setdefault(tissue_of(name), set()).update(cells.obs["label"])
    annotation = {
        "labels": labels,
        "label_sets": {tissue: sorted(label_sets[tissue]) for tissue in TISSUES if tissue in label_sets},
        "none_of_these": NONE,
        "coarse": coarse,
        "ontology": {name: terms[name] for name in (*labels, *sorted(set(coarse.values()) - set(labels)))},
        "synonyms": {name: label for name, label in _cells.SYNONYMS.items() if label in labels},
    }
    of_perturbed = {"response": {"perturbations": known}, "sensitivity": {"drugs": {DRUG: list(EXPOSURE)}}}
    return {
        "prompt_format": "compact",
        "n_genes": N_GENES,
        "tasks": [ANNOTATION.name, "generation", *((RESPONSE.name, SENSITIVITY.name) if perturbed else ())],
        "knows": {"annotation": annotation, **(of_perturbed if perturbed else {})},
        "expression_model": expression_model(found),
        "cautions": CAUTIONS if perturbed else {},
        "n_parameters": n_parameters,
        "license": "BSD-3-Clause",
        "note": "runs offline on a CPU",
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def learned_by(args: argparse.Namespace) -> dict[str, ad.AnnData]:
    """The labelled cells of a run, by study."""
    return learned(FOLDS[args.fold], everyone=args.calibrated is not None)


def supervised(stage: str, out: Path, start: Path | None, args: argparse.Namespace) -> None:
    """One of the first two stages, going on from ``start``."""
    found = learned_by(args)
    train_cells = list(found.values())
    fold = None if args.leave_out is None else RESPONSE_FOLDS[args.leave_out]
    unlabelled = perturbed_sets(fold)
    genes = np.union1d(
        vocabulary(train_cells, "label", N_TELLING), vocabulary(list(unlabelled.values()), "perturbation", N_CHANGED)
    )
    corpus = Corpus(train_cells, genes)
    labels = [label for label in _cells.ONTOLOGY if label in set(corpus.label)]
    tokenizer = make_tokenizer(words(labels, genes.tolist()))
    model = make_model(tokenizer, args.width, args.layers)
    if start is None:
        set_vectors(model, corpus, tokenizer, labels, args.seed)
    else:
        take(model, start, tokenizer, share=1.0)
    tissues = [tissue_of(name) for name in found]
    others = [sentences(unlabelled[name], set(genes), N_GENES) for name in ("glioblastoma", "crispri")]
    foreign = Foreign(corpus, tissues, [each for cells in others for each in cells if len(each) >= MIN_GENES])
    panels = {i for i, name in enumerate(found) if name in PANELS}
    all_tasks = stage == "tasks"
    responses = Responses(list(unlabelled.values()), N_GENES, frozenset(genes)) if all_tasks else None
    recipe = Recipe(corpus, tokenizer, tissues, panels, foreign, responses, np.random.default_rng(args.seed))
    feed = recipe.batches(BATCH) if all_tasks else recipe.single(BATCH)
    steps = args.steps or STEPS[stage]
    began = time.perf_counter()
    losses = train(model, feed, steps, LEARNING_RATES[stage], compiled=args.compiled)
    seconds = time.perf_counter() - began
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    write_json(out / SPEC_FILE, describe(found, labels, model.num_parameters(), all_tasks))
    record = {
        "steps": steps, "batch": BATCH, "learning_rate": LEARNING_RATES[stage], "seconds": round(seconds),
        "cells": len(corpus.label), "final_loss": round(float(np.mean(losses[-100:])), 4),
    }  # fmt: skip
    finish(stage, out, start, args, record)


def aligned(out: Path, start: Path, args: argparse.Namespace) -> None:
    """The last stage: what is written is to be recognised. Labels are read as a list of types, of no cell."""
    surroundings = []
    for name, cells in learned_by(args).items():
        if name not in PANELS:
            chosen = cells[(cells.obs.groupby("label", observed=True).cumcount() < SURROUNDINGS).to_numpy()].copy()
            chosen.obs["tissue"] = tissue_of(name)
            surroundings.append(chosen)
    began = time.perf_counter()
    run = sd.tl.train_grpo_duality(
        surroundings, start, out, tasks=["generation"], labels="label", context=["tissue"], rng=args.seed, **DUALITY
    )
    model = LlamaForCausalLM.from_pretrained(out, use_safetensors=True, dtype=torch.bfloat16)
    model.config.use_cache = True  # training left it off
    model.save_pretrained(out)
    record = {**DUALITY, "seconds": round(time.perf_counter() - began), "reward": run.history["reward"].tolist()}
    finish("duality", out, start, args, record)


def finish(stage: str, out: Path, start: Path | None, args: argparse.Namespace, record: dict[str, Any]) -> None:
    """Write the reference, calibrate on the validation donors, and write down what was done."""
    known_to = sd.models.resolve(out)
    genes = np.array(sorted(known_to.genes or ()))
    found = learned_by(args)
    accuracy: Any
    write_reference(out, genes, list(known_to.known("annotation", "labels")), list(found.values()), args.seed)
    if args.calibrated is None:
        accuracy, calibration = _calibration.calibrate(out, FOLDS[args.fold], args.seed, stage != "annotation")
    else:
        accuracy, calibration = "learned from as well", _calibration.of(args.calibrated)
    spec = json.loads((out / SPEC_FILE).read_text(encoding="utf-8"))
    write_json(out / SPEC_FILE, _calibration.with_calibration(spec, calibration))
    before = {} if start is None else {"started_from": json.loads((start / "training.json").read_text("utf-8"))}
    known = {
        "stage": stage, "fold": args.fold, "seed": args.seed, **record, "date": date.today().isoformat(),
        **({} if args.leave_out is None else {"left_out": RESPONSE_FOLDS[args.leave_out]._asdict()}),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("sc-duality", "torch", "transformers")},
        "validation_donors": accuracy, **calibration, **before,
    }  # fmt: skip
    write_json(out / "training.json", known)
    print(json.dumps(known), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the models of the stages")
    parser.add_argument("--stage", choices=("annotation", "tasks", "duality"), default="duality", help="the last one")
    parser.add_argument("--fold", choices=tuple(FOLDS), default="main")
    parser.add_argument("--calibrated", type=Path, help="train on the validation donors too, calibrated as this model")
    parser.add_argument("--leave-out", type=int, choices=range(len(RESPONSE_FOLDS)), help="of the perturbed cells")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="of each supervised stage")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--compiled", action="store_true", help="faster by a third; needs a C++ compiler")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    sd.settings.progress = False
    torch.set_flush_denormal(True)  # squared gradients of rare genes are denormal, which slows the optimizer down
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
