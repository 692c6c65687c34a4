"""The models of the benchmark of C2S-Scale's tasks: three trainings of small gene models by ``tl.train_sft``.

One for the tasks on single cells; one for those on samples, which starts from it; one for gene sets. A label is one
token among the many genes of a completion and of its dual, so that short sentences of marker genes and hundreds of
updates are needed: with whole sentences, 30 updates taught the frequency of genes and nothing of a tissue.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad

import sc_duality as sd

#: Genes of a sentence, cells of a sample and genes of each at most.
N_GENES, N_CELLS, N_SAMPLE_GENES = 25, 6, 12
CONTEXT_LENGTH, WIDTH, LAYERS = 256, 128, 2
#: Genes of a set in a prompt or an answer at most.
MAX_SET = 30
OPTIONS: dict[str, Any] = {
    "held_out": 0.0, "augment": False, "weight_decay": 0.0, "warmup_steps": 50, "adam_beta2": 0.98,
}  # fmt: skip
_SAMPLE: dict[str, Any] = {"groupby": "donor", "n_cells": N_CELLS, "n_genes": N_SAMPLE_GENES}
#: Settings of the tasks on cells, by training.
CELLS: dict[str, dict[str, Any]] = {
    "cell_language_modelling": {},
    "annotation": {"truth": "label"},
    "generation": {"truth": "label"},
}
SAMPLES: dict[str, dict[str, Any]] = {
    "sample_language_modelling": _SAMPLE,
    "tissue": {"truth": "tissue", **_SAMPLE},
    "sample_cell_types": {"truth": "label", **_SAMPLE},
    "sample_by_tissue": {"truth": "tissue", **_SAMPLE},
    "sample_by_cell_types": {"truth": "label", **_SAMPLE},
}
GENE_SETS = ("gene_set_enumeration", "gene_set_naming")


class Training(NamedTuple):
    """One training."""

    name: str
    tasks: dict[str, dict[str, Any]]
    #: Updates, texts of each, and peak of the learning rate.
    updates: int
    batch_size: int = 64
    learning_rate: float = 3e-3
    #: The training that it starts from; a new model by default.
    start: str | None = None


def trainings(gene_sets: dict[str, tuple[str, ...]], *, quick: bool) -> list[Training]:
    """The trainings in order."""
    sets = {name: {"gene_sets": gene_sets, "max_genes": MAX_SET} for name in GENE_SETS}
    if quick:
        short = (("cells", CELLS, 6), ("samples", SAMPLES, 3), ("gene_sets", sets, 2))
        return [Training(*one, batch_size=16) for one in short]
    return [
        Training("cells", CELLS, 900),
        Training("samples", SAMPLES, 1000, start="cells"),
        Training("gene_sets", sets, 1200),
    ]


def trained(training: Training, cells: ad.AnnData, genes: list[str], folder: Path, seed: int) -> Path:
    """The trained model; a stopped training goes on, and a finished one is not repeated."""
    start = _start(training, genes, folder, seed)
    epochs = training.updates * training.batch_size / _n_texts(training, cells)
    return sd.tl.train_sft(
        cells, start, folder / training.name, tasks=training.tasks, num_train_epochs=epochs, rng=seed,
        batch_size=training.batch_size, learning_rate=training.learning_rate, n_genes=N_GENES, **OPTIONS,
    ).model  # fmt: skip


def untrained(model: Path, seed: int) -> Path:
    """A trained model with random weights in place of its own: its start, with the tokens of its tasks."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    folder = model.with_name(f"{model.name}-untrained")
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.copytree(model, part, ignore=shutil.ignore_patterns("checkpoints", "*.safetensors"), dirs_exist_ok=True)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model)).save_pretrained(part)
        part.replace(folder)
    return folder


def _start(training: Training, genes: list[str], folder: Path, seed: int) -> Path:
    if training.start is not None:
        return folder / training.start
    start = folder / f"{training.name}-start"
    if not start.exists():
        sd.models.new_gene_model(
            start, genes, n_genes=N_GENES, context_length=CONTEXT_LENGTH, width=WIDTH, layers=LAYERS, rng=seed
        )
    return start


def _n_texts(training: Training, cells: ad.AnnData) -> int:
    """Texts of one epoch: an example and its dual, where the task has one, for each cell or gene set."""
    n = {name: len(settings.get("gene_sets", ())) or cells.n_obs for name, settings in training.tasks.items()}
    return sum(number * (1 if name.endswith("language_modelling") else 2) for name, number in n.items())
