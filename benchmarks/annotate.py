"""Speed of annotation with the embedded model, beside writing the label cell by cell with the same weights.

``python -m benchmarks.annotate [--dtype float32] [--quick]``. The bound is what the matrix products of one pass over
the prompts would take if they ran at the rate of a large product, measured in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import anndata as ad
import numpy as np
import torch

import sc_duality as sd
from benchmarks._report import report
from sc_duality.models import TransformersModel
from sc_duality.tasks import Annotation, annotation_example


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time, after one run that warms up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def matmul_rate(dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large product."""
    left, right = torch.rand(2048, 2048).to(dtype), torch.rand(2048, 2048).to(dtype)
    return 2 * 2048**3 / seconds(lambda: left @ right, 10)


def generate_one(model: TransformersModel, prompt: str) -> str:
    """One prompt continued with bare transformers until it ends by itself: a label and an end."""
    inputs = model.tokenizer(prompt, return_tensors="pt")
    out = model.model.generate(**inputs, max_new_tokens=8, do_sample=False)
    return str(model.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="317 cells instead of 3,170")
    parser.add_argument("--dtype", default="auto", help="of the model's numbers, as sd.models.load takes it")
    args = parser.parse_args()
    sd.settings.progress = sd.settings.cache = False

    cells = sd.datasets.pbmc3k()
    if not args.quick:
        cells = ad.concat([cells] * 10, merge="same")
        cells.obs_names_make_unique()
    repeats = 3
    sd.pp.cell_sentences(cells)
    model = sd.models.load("embedded", dtype=args.dtype)
    annotate_s = seconds(lambda: sd.tl.annotate(cells, model), repeats)

    task, labels = Annotation("compact"), model.spec.known("annotation", "labels")
    lists = [[g for g in genes if g in model.spec.genes][: model.spec.n_genes] for genes in sd.get.gene_lists(cells)]
    prompts = [task.prompt(annotation_example(genes, labels)) for genes in lists]
    score_s = seconds(lambda: model.score(prompts, [task.answer(label) for label in labels]), repeats)

    few = prompts[:: max(1, len(prompts) // 100)]
    generate_s = seconds(lambda: [generate_one(model, prompt) for prompt in few], repeats)

    tokens = sum(len(prompt.split()) for prompt in prompts)
    config = model.model.config
    body = sum(weight.numel() for name, weight in model.model.named_parameters() if "embed" not in name)
    operations = 2 * body * tokens + 2 * config.vocab_size * config.hidden_size * len(prompts)
    rates = {
        "cells_per_s": len(prompts) / annotate_s,
        "score_cells_per_s": len(prompts) / score_s,
        "generate_cells_per_s": len(few) / generate_s,
        "bound_cells_per_s": len(prompts) * matmul_rate(model.model.dtype) / operations,
    }
    ratio = rates["score_cells_per_s"] / rates["generate_cells_per_s"]
    mean = np.mean([len(genes) for genes in lists])
    print(f"{mean:.0f} genes a cell on average, {torch.get_num_threads()} threads, {model.dtype}")
    report(
        {**{name: round(rate, 1) for name, rate in rates.items()}, "ratio_to_generate": round(ratio, 2)},
        n=len(prompts),
        seed=0,
        packages=("torch", "transformers"),
    )


if __name__ == "__main__":
    main()
