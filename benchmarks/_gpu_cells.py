"""Prompts and training texts of ``benchmarks.gpu``, from the shipped cells."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import cycle, islice

import anndata as ad
import numpy as np
from scipy import sparse

import sc_duality as sd
from benchmarks import _library as library
from sc_duality.examples import ModelCells, build, sample_examples, to_tasks
from sc_duality.tasks import Generation, GenerationExample

#: Probability that a count is kept in a thinned cell.
KEPT = 0.8
#: What is trained.
TASKS = {"annotation": {"truth": "cell_type"}, "generation": {"truth": "cell_type"}}


def thinned(n: int, seed: int) -> ad.AnnData:
    """``n`` different cells: shipped ones of PBMC3k in turns, each count kept with probability 0.8."""
    cells, rng = sd.datasets.pbmc3k(), np.random.default_rng(seed)
    rows = rng.permutation(np.arange(n) % cells.n_obs)
    counts = sparse.csr_matrix(cells.X)[rows]
    counts.data = rng.binomial(counts.data, KEPT)
    counts.eliminate_zeros()
    return ad.AnnData(counts, cells.obs.iloc[rows].set_axis([f"cell{i}" for i in range(n)]), cells.var)


def compared_cells(seed: int) -> Iterator[ad.AnnData]:
    """The 317 shipped cells, then scanpy's 700 of PBMC68k; without scanpy 317 thinned ones."""
    yield (shipped := sd.datasets.pbmc3k())
    yield sd.datasets.pbmc68k_reduced().raw.to_adata() if find_spec("scanpy") else thinned(shipped.n_obs, seed)


def annotation_prompts(cells: ad.AnnData, model: str) -> tuple[list[str], list[str]]:
    """The prompt for the type of each cell, and the completion of each label."""
    sentences = library.model_sentences(cells, model)
    questions, choices = library.annotation_questions(model, sentences, library.labels_of(model))
    return [question.prompt for question in questions], choices


def generation_prompts(model: str, n: int) -> list[str]:
    """Prompts for ``n`` cells, the labels of the model in turns."""
    spec, labels = sd.models.resolve(model), tuple(library.labels_of(model))
    task = Generation(prompt_format=spec.prompt_format, vocabulary=spec.genes)
    examples = [GenerationExample(cell_type=label, options=labels, n_genes=spec.n_genes) for label in labels]
    return list(islice(cycle(task.question(example).prompt for example in examples), n))


def training_texts(model: str, n_cells: int, seed: int) -> list[tuple[str, str]]:
    """Prompts and completions of both directions of each task, one example of each cell."""
    cells, rng = ModelCells(thinned(n_cells, seed), sd.models.resolve(model)), np.random.default_rng(seed)
    texts: list[tuple[str, str]] = []
    for task in to_tasks(TASKS):
        pool = build(task, cells).labelled(np.ones(n_cells, dtype=bool))
        texts += [text for one in sample_examples(cells, pool, n_cells, rng, augment=False) for text in one.texts()]
    return [texts[i] for i in rng.permutation(len(texts))]
