"""Build the embedded model from real cells: ``python -m benchmarks.build_embedded --out FOLDER``.

A small Llama reads the ``compact`` dialect, one token a gene and one a label. It learns, in one run,
to name a cell's type, to give back hidden genes from the type (the dual), and to continue a
sentence. The studies and donors that it is judged on are left out: see ``benchmarks._cells``.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Collection, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from tokenizers import Tokenizer, models, pre_tokenizers
from tqdm.auto import trange
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import sc_duality as sd
from benchmarks import _cells
from benchmarks._corpus import N_GENES, Corpus
from sc_duality.models._spec import SPEC_FILE
from sc_duality.tasks import Annotation, annotation_example

#: Donors that choose the recipe and the threshold of "unknown"; the weights never see them.
VALIDATION = {"TUM_C1", "HPAP035", "101", "107", "TSP14"}
CONTROL = ["<pad>", "<s>", "</s>", "<unk>", "<annotate>", "<inpaint>", "<cell>", "<type>", "<hidden>"]
TASK = Annotation("compact")
#: Genes in the sentences of a batch.
LENGTHS = (30, 50, 75, N_GENES)
#: Share of the genes whose loss is computed.
SHARE = 0.15
#: The studies behind each named set of labels.
TISSUES = {
    "blood": {"pbmc3k", "kang"},
    "pancreas": {"pancreas"},
    "lung": {"lung"},
    "heart": {"heart_0", "heart_1"},
    "retina": {"retina"},
}


def studies() -> dict[str, ad.AnnData]:
    """All cells that the shipped weights may see, validation donors included."""
    found = {"pancreas": _cells.pancreas()["train"], "pbmc3k": _cells.pbmc3k(), "kang": _cells.kang()}
    found |= {"lung": _cells.lung(), "retina": _cells.retina()}
    return found | {f"heart_{i}": cells for i, cells in enumerate(_cells.heart())}


def is_validation(cells: ad.AnnData) -> NDArray[np.bool_]:
    """Which cells come from a validation donor."""
    if "donor" not in cells.obs:
        return np.zeros(cells.n_obs, dtype=bool)
    return cells.obs["donor"].astype(str).isin(VALIDATION).to_numpy()


def make_tokenizer(genes: list[str], labels: list[str]) -> PreTrainedTokenizerFast:
    """One token a word: control words, labels, genes."""
    words = [*CONTROL, *(TASK.answer(label) for label in labels), *genes]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        padding_side="left",
        model_max_length=2 * N_GENES + 8,
    )


def make_model(tokenizer: PreTrainedTokenizerFast, width: int, layers: int) -> LlamaForCausalLM:
    """A Llama with random weights; input and output share their embeddings."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=4 * width * 2 // 3 // 64 * 64,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            max_position_embeddings=2 * N_GENES + 8,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def set_gene_vectors(model: LlamaForCausalLM, corpus: Corpus, rng: np.random.Generator) -> None:
    """Start the embeddings of genes from a truncated SVD of the training cells."""
    vectors = corpus.gene_vectors(64, rng)
    with torch.no_grad():
        table = model.get_input_embeddings().weight
        table[-len(vectors) :, :64] = torch.tensor(vectors, dtype=table.dtype) * table.std()


def text_of(corpus: Corpus, cell: int, n_genes: int, labels: list[str], rng: np.random.Generator) -> tuple[str, str]:
    """Prompt and answer of one training example: the annotation (7 in 10), or its dual."""
    genes, label = corpus.sentence(cell, n_genes, rng), str(corpus.label[cell])
    if rng.random() < 0.7:
        return TASK.prompt(annotation_example(genes, labels)), TASK.answer(label)
    # Half of the duals see the type only: with genes in view, the type is easily ignored.
    hidden = 1.0 if rng.random() < 0.5 else rng.uniform(0.2, 0.8)
    example = annotation_example(genes, labels, hidden_fraction=hidden, rng=rng)
    return TASK.dual_prompt(label, example), TASK.dual_answer(example.unknown)


def thinned(weight: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """The loss of a random part of the genes stands for all: the largest cost is the gene vocabulary."""
    chance = np.where(weight < 0.04, SHARE, 1.0)
    return np.where(rng.random(len(weight)) < chance, weight / chance, 0)


def batches(
    corpus: Corpus, tokenizer: PreTrainedTokenizerFast, labels: list[str], size: int, rng: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids and the weight of each token's loss, (size, length).

    There are four lengths only: matrix kernels are compiled anew for every shape they meet.
    """
    while True:
        n_genes = int(rng.choice(LENGTHS, p=[0.15, 0.2, 0.25, 0.4]))
        ids = torch.full((size, n_genes + 6), tokenizer.pad_token_id)
        weight = torch.zeros(ids.shape)
        for i, cell in enumerate(corpus.draw(size, rng)):
            prompt, answer = (tokenizer.encode(text) for text in text_of(corpus, cell, n_genes, labels, rng))
            row = [*prompt, *answer, tokenizer.eos_token_id]
            # The genes of a prompt teach how genes go together, at three tenths of the weight of an answer.
            each = [*[0.3 / len(prompt)] * len(prompt), *[1 / len(answer)] * len(answer), 0.05]
            ids[i, : len(row)] = torch.tensor(row)
            weight[i, : len(row)] = torch.tensor(thinned(np.array(each), rng))
        yield ids, weight


def train(
    model: LlamaForCausalLM, feed: Iterator[tuple[torch.Tensor, ...]], steps: int, lr: float, progress: bool = True
) -> list[float]:
    """Minimise the weighted cross-entropy; returns the loss of every step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    warmup = min(100, steps // 10 + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / warmup, (steps - i) / max(1, steps - warmup))
    )
    model.train()
    losses = []
    bar = trange(steps, desc="training", disable=not progress, mininterval=10)
    for _ in bar:
        ids, weight = next(feed)
        # The same number of positions each time, the weightiest first; padding stands last and is never looked at.
        counted = weight[:, 1:].flatten().topk(ids.numel() // 6).indices
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
            logits = model.lm_head(hidden.flatten(0, 1)[counted])
        loss = torch.nn.functional.cross_entropy(logits.float(), ids[:, 1:].flatten()[counted], reduction="none")
        loss = (loss * weight[:, 1:].flatten()[counted]).sum() / len(ids)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
    return losses


def sentences(cells: ad.AnnData, known: Collection[str]) -> list[list[str]]:
    """The sentences of ``cells`` in words that the model knows, as ``tl.annotate`` makes them."""
    ranked = cells.copy()
    sd.pp.cell_sentences(ranked, exclude="housekeeping")
    return [[gene for gene in genes if gene in known][:N_GENES] for genes in sd.get.gene_lists(ranked)]


def calibrate(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """Temperature of the lowest log-loss, and the probability that 98 % of the answers reach."""
    grid = np.geomspace(0.3, 5, 60)

    def log_loss(temperature: float) -> float:
        return -float(log_softmax(logits / temperature, axis=1)[np.arange(len(truth)), truth].mean())

    temperature = min(grid, key=log_loss)
    confidence = softmax(logits / temperature, axis=1).max(1)
    return float(temperature), float(np.quantile(confidence, 0.02))


def describe(found: dict[str, ad.AnnData], labels: list[str], n_parameters: int) -> dict[str, Any]:
    """What ``sc_duality.json`` says of the model, but for the calibration."""
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
        "n_parameters": n_parameters,
        "license": "BSD-3-Clause",
        "note": "runs offline on a CPU",
    }


def validate(folder: Path, found: dict[str, ad.AnnData], seed: int) -> tuple[dict[str, Any], float, float]:
    """Accuracy on validation donors (at most 300 cells a study), temperature and threshold of "unknown"."""
    engine = sd.models.load(folder)
    labels, known = list(engine.spec.labels), engine.spec.genes
    rng = np.random.default_rng(seed)
    accuracy, logits, truth = {}, [], []
    for name, cells in found.items():
        chosen = cells[rng.permutation(np.flatnonzero(is_validation(cells)))[:300]]
        if chosen.n_obs == 0:
            continue
        prompts = [TASK.prompt(annotation_example(genes, labels)) for genes in sentences(chosen, known)]
        logits.append(engine.score(prompts, [TASK.answer(label) for label in labels]))
        truth.append(np.array([labels.index(label) for label in chosen.obs["label"]]))
        right = (logits[-1].argmax(1) == truth[-1]).mean()
        accuracy[name] = {"n": chosen.n_obs, "accuracy": round(float(right), 4)}
    return accuracy, *calibrate(np.concatenate(logits), np.concatenate(truth))


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    sd.settings.progress = False
    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)  # squared gradients of rare genes are denormal, which slows the optimizer down
    rng = np.random.default_rng(args.seed)

    found = studies()
    corpus = Corpus([cells[~is_validation(cells)] for cells in found.values()])
    labels = [label for label in _cells.ONTOLOGY if label in set(corpus.label)]
    tokenizer = make_tokenizer(corpus.genes.tolist(), labels)
    model = make_model(tokenizer, args.width, args.layers)
    set_gene_vectors(model, corpus, rng)
    n_parameters = model.num_parameters()
    print(f"{len(corpus.label)} cells, {len(corpus.genes)} genes, {len(labels)} labels, {n_parameters} parameters")

    start = time.perf_counter()
    losses = train(model, batches(corpus, tokenizer, labels, args.batch, rng), args.steps, args.lr)
    seconds = time.perf_counter() - start
    args.out.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)
    spec = describe(found, labels, n_parameters)
    write_json(args.out / SPEC_FILE, spec)

    accuracy, temperature, unknown = validate(args.out, found, args.seed)
    calibration = {"temperature": round(temperature, 3), "unknown": round(unknown, 3)}
    write_json(args.out / SPEC_FILE, spec | calibration)
    options = " ".join(f"--{name} {value}" for name, value in vars(args).items() if name != "out")
    record = {
        "command": f"python -m benchmarks.build_embedded {options}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("sc-duality", "torch", "transformers")},
        "seconds": round(seconds),
        "cells": len(corpus.label),
        "cells_drawn": args.steps * args.batch,
        "final_loss": round(float(np.mean(losses[-100:])), 4),
        "validation_donors": accuracy,
        **calibration,
    }
    write_json(args.out / "training.json", record)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
