"""Build the embedded model from real cells: ``python -m benchmarks.build_embedded --out FOLDER``.

A small Llama reads the ``compact`` dialect, one token a gene and one a label. It learns to name a
cell's type, to give back hidden genes from the type (the dual, with contrasts between labels), to
write a cell from its type, and with ``--perturbed`` also to say what a cell becomes under a
perturbation, and from both cells what was done. The studies and donors that it is judged on are left
out: see ``benchmarks._cells``; ``--leave-out`` leaves out one fold of the perturbed cells as well.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

import sc_duality as sd
from benchmarks import _cells
from benchmarks._corpus import N_GENES, Corpus, vocabulary
from benchmarks._recipe import (
    ANNOTATION,
    CONTRASTS,
    DRUG,
    EXPOSURE,
    EXPOSURES,
    FROM_LABEL,
    GENERATIONS,
    RESPONSE,
    SENSITIVITY,
    Recipe,
)
from benchmarks._responses import FOLDS, PERTURBATIONS, Responses, perturbed_sets
from benchmarks._training import make_model, make_tokenizer, set_gene_vectors, take, train
from sc_duality.models import LanguageModel, ModelSpec
from sc_duality.models._spec import SPEC_FILE
from sc_duality.tasks import annotation_example

#: Donors that choose the recipe and the threshold of "unknown"; no label of theirs is trained on.
VALIDATION = {"TUM_C1", "HPAP035", "101", "107", "TSP14"}
#: Words of the dialect that are neither gene nor label.
FIXED = (
    *("annotate", "inpaint", "generate", "respond", "cause", "sensitivity"),
    *("cell", "type", "hidden", "after", "by", "response"),
)
#: The studies behind each tissue.
TISSUES = {
    "blood": {"pbmc3k", "kang"},
    "pancreas": {"pancreas"},
    "lung": {"lung"},
    "heart": {"heart_0", "heart_1"},
    "retina": {"retina"},
}
#: A panel of genes, unlike a whole cell.
PANELS = {"kang"}

#: What users of the model are told when they use it, by task.
CAUTIONS = {
    "response": "it hardly heeds what is done to a cell; simple baselines predict responses better (see its card)",
    "sensitivity": "it tells treated from untreated cells of glioblastoma, not sensitive from resistant ones",
}


def studies() -> dict[str, ad.AnnData]:
    """All labelled cells that the shipped weights may see, validation donors included."""
    found = {"pancreas": _cells.pancreas()["train"], "pbmc3k": _cells.pbmc3k(), "kang": _cells.kang()}
    found |= {"lung": _cells.lung(), "retina": _cells.retina()}
    return found | {f"heart_{i}": cells for i, cells in enumerate(_cells.heart())}


def is_validation(cells: ad.AnnData) -> NDArray[np.bool_]:
    """Which cells come from a validation donor."""
    if "donor" not in cells.obs:
        return np.zeros(cells.n_obs, dtype=bool)
    return cells.obs["donor"].astype(str).isin(VALIDATION).to_numpy()


def words(labels: list[str], genes: NDArray[np.str_]) -> list[str]:
    """Every word of the model."""
    names = [*TISSUES, DRUG, *EXPOSURE, *(one.operation for one in PERTURBATIONS)]
    names += [one.target for one in PERTURBATIONS if one.operation in ("drug", "cytokine")]
    control = dict.fromkeys(f"<{name}>" for name in (*FIXED, *names))
    return [*control, *(ANNOTATION.answer(label) for label in labels), *genes]


def sentences(cells: ad.AnnData, known: Collection[str]) -> list[list[str]]:
    """The sentences of ``cells`` in words that the model knows, as ``tl.annotate`` makes them."""
    ranked = cells.copy()
    sd.pp.cell_sentences(ranked, exclude="housekeeping")
    return [[gene for gene in genes if gene in known][:N_GENES] for genes in sd.get.gene_lists(ranked)]


def expression_model(found: dict[str, ad.AnnData]) -> dict[str, float]:
    """The line from ranks to expression: the mean of those of the studies that measure all genes."""
    lines = []
    for name, cells in found.items():
        if name not in PANELS:
            ranked = cells[~is_validation(cells)].copy()
            sd.pp.cell_sentences(ranked, N_GENES)
            sd.pp.fit_expression(ranked)
            lines.append(ranked.uns["cell_sentence"]["expression_model"])
    return {name: round(float(np.mean([line[name] for line in lines])), 4) for name in ("slope", "intercept")}


def best_temperature(tables: list[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> float:
    """The temperature of the lowest log-loss over tables of log-likelihoods and the true column of each row."""

    def log_loss(temperature: float) -> float:
        rows = [log_softmax(table / temperature, axis=1)[np.arange(len(truth)), truth] for table, truth in tables]
        return -float(np.concatenate(rows).mean())

    return float(min(np.geomspace(0.3, 20, 120), key=log_loss))


def describe(found: dict[str, ad.AnnData], labels: list[str], n_parameters: int, perturbed: bool) -> dict[str, Any]:
    """What ``sc_duality.json`` says of the model, but for the calibration."""
    known = [{name: value for name, value in asdict(one).items() if value} for one in PERTURBATIONS]
    return {
        "dialect": "compact",
        "n_genes": N_GENES,
        "labels": labels,
        "label_sets": {
            tissue: sorted({label for name in names for label in found[name].obs["label"]})
            for tissue, names in TISSUES.items()
        },
        "ontology": {label: _cells.ONTOLOGY[label] for label in labels},
        "synonyms": _cells.SYNONYMS,
        "perturbations": known if perturbed else [],
        "drugs": {DRUG: list(EXPOSURE)} if perturbed else {},
        "expression_model": expression_model(found),
        "cautions": CAUTIONS if perturbed else {},
        "tasks": [ANNOTATION.name, "generation", *((RESPONSE.name, SENSITIVITY.name) if perturbed else ())],
        "n_parameters": n_parameters,
        "license": "BSD-3-Clause",
        "note": "runs offline on a CPU",
    }


def validate(folder: Path, found: dict[str, ad.AnnData], seed: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Accuracy on validation donors (at most 300 cells a study), and what follows for the model's calibration.

    The threshold of "unknown" is the probability that 99 % of the answers reach.
    """
    engine = sd.models.load(folder)
    labels, known = list(engine.spec.labels), engine.spec.genes
    rng = np.random.default_rng(seed)
    accuracy, primal, dual = {}, [], []
    for name, cells in found.items():
        chosen = cells[rng.permutation(np.flatnonzero(is_validation(cells)))[:300]]
        if chosen.n_obs == 0:
            continue
        truth, genes = chosen.obs["label"].to_numpy(str), sentences(chosen, known)
        prompts = [ANNOTATION.prompt(annotation_example(each, labels)) for each in genes]
        scores = engine.score(prompts, [ANNOTATION.answer(label) for label in labels])
        primal.append((scores, np.array([labels.index(label) for label in truth])))
        right = (scores.argmax(1) == primal[-1][1]).mean()
        of_tissue = engine.spec.label_sets[next(tissue for tissue, names in TISSUES.items() if name in names)]
        likelihoods = np.stack([whole_cell(engine, genes[:100], label) for label in of_tissue], 1)
        dual.append((likelihoods, np.array([of_tissue.index(label) for label in truth[:100]])))
        by_dual = (likelihoods.argmax(1) == dual[-1][1]).mean()
        accuracy[name] = {
            "n": chosen.n_obs,
            "accuracy": round(float(right), 4),
            "accuracy of the dual (100 cells, types of the tissue)": round(float(by_dual), 4),
        }
    temperature = best_temperature(primal)
    confidence = np.concatenate([softmax(scores / temperature, axis=1).max(1) for scores, _ in primal])
    return accuracy, {
        "temperature": round(temperature, 3),
        "dual_temperature": round(best_temperature(dual), 3),
        "unknown": round(float(np.quantile(confidence, 0.01)), 3),
    }


def whole_cell(engine: LanguageModel, cells: list[list[str]], label: str) -> NDArray[np.float64]:
    """Log-likelihood of each cell, were it of this type: the dual that sees the label alone."""
    examples = [annotation_example(genes, [label], hidden_fraction=1.0) for genes in cells]
    prompts = [FROM_LABEL.dual_prompt(label, example) for example in examples]
    return engine.likelihood(prompts, [FROM_LABEL.dual_answer(example.unknown) for example in examples])


def history(earlier: ModelSpec) -> dict[str, Any]:
    """The record of an earlier model."""
    record = json.loads((Path(earlier.source) / "training.json").read_text(encoding="utf-8"))
    return {"fingerprint": earlier.fingerprint, **record}


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--start", help="folder of a model to go on from, or 'embedded'")
    parser.add_argument("--average-with", help="folder of a model whose weights are averaged with these in the end")
    parser.add_argument("--perturbed", action="store_true", help="learn from perturbed cells as well")
    parser.add_argument("--leave-out", type=int, choices=range(len(FOLDS)), help="fold of the perturbed cells")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--lr", type=float, default=1e-3)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    sd.settings.progress = False
    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)  # squared gradients of rare genes are denormal, which slows the optimizer down

    found = studies()
    train_cells = [cells[~is_validation(cells)] for cells in found.values()]
    genes = np.union1d(vocabulary(train_cells), vocabulary(list(perturbed_sets(None).values())))
    corpus = Corpus(train_cells, genes)
    labels = [label for label in _cells.ONTOLOGY if label in set(corpus.label)]
    tokenizer = make_tokenizer(words(labels, genes))
    model = make_model(tokenizer, args.width, args.layers)
    set_gene_vectors(model, corpus, tokenizer, args.seed)
    start_from, other = (sd.models.resolve(name) if name else None for name in (args.start, args.average_with))
    if start_from is not None:
        take(model, start_from.source, tokenizer, share=1.0)
    n_parameters = model.num_parameters()
    print(f"{len(corpus.label)} cells, {len(corpus.genes)} genes, {len(labels)} labels, {n_parameters} parameters")

    responses = None
    if args.perturbed:
        fold = None if args.leave_out is None else FOLDS[args.leave_out]
        responses = Responses(list(perturbed_sets(fold).values()), N_GENES, frozenset(genes))
    tissues = [next(tissue for tissue, names in TISSUES.items() if name in names) for name in found]
    panels = {i for i, name in enumerate(found) if name in PANELS}
    recipe = Recipe(corpus, tokenizer, tissues, panels, responses, np.random.default_rng(args.seed))
    start = time.perf_counter()
    losses = train(model, recipe.batches(args.batch), args.steps, args.lr)
    seconds = time.perf_counter() - start
    if other is not None:
        take(model, other.source, tokenizer, share=0.5)
    args.out.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)
    spec = describe(found, labels, n_parameters, args.perturbed)
    write_json(args.out / SPEC_FILE, spec)

    accuracy, calibration = validate(args.out, found, args.seed)
    write_json(args.out / SPEC_FILE, spec | calibration)
    options = ("seed", "steps", "batch", "width", "layers", "lr", "perturbed")
    record = {
        **{name: getattr(args, name) for name in options},
        "rows": {"contrasts": CONTRASTS, "generations": GENERATIONS, "exposures": EXPOSURES},
        **({} if args.leave_out is None else {"left_out": FOLDS[args.leave_out]._asdict()}),
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("sc-duality", "torch", "transformers")},
        "seconds": round(seconds),
        "cells": len(corpus.label),
        "final_loss": round(float(np.mean(losses[-100:])), 4),
        "validation_donors": accuracy,
        **calibration,
        **({} if other is None else {"averaged_with": history(other)}),
        **({} if start_from is None else {"started_from": history(start_from)}),
    }
    write_json(args.out / "training.json", record)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
