"""Speed of annotation with the embedded model: ``python -m benchmarks.annotate [--dtype float32] [--quick]``.

Next to it, the same weights that generate the label cell by cell. ``bound_cells_per_s``: the matrix products of one
pass over the prompts at the rate of a large product, measured in the same run.
"""

from __future__ import annotations

import anndata as ad
import numpy as np
import torch

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._results import parser, report
from benchmarks._timing import median_seconds
from sc_duality.models import TransformersModel


def matmul_rate(dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large product."""
    left, right = torch.rand(2048, 2048).to(dtype), torch.rand(2048, 2048).to(dtype)
    return 2 * 2048**3 / median_seconds(lambda: left @ right, 10)


def generate_one(model: TransformersModel, prompt: str) -> str:
    """A completion of one prompt by plain transformers: a label and the end token."""
    inputs = model.tokenizer(prompt, return_tensors="pt")
    out = model.model.generate(**inputs, max_new_tokens=8, do_sample=False)
    return str(model.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def main() -> None:
    options = parser(__doc__, "60 cells, one repeat")
    options.add_argument("--dtype", default="auto", help="of the model, as in sd.models.load")
    args = options.parse_args()
    sd.settings.progress = sd.settings.cache = False

    cells = sd.datasets.pbmc3k()
    if args.quick:
        cells = cells[:60].copy()
    else:
        cells = ad.concat([cells] * 10, merge="same")
        cells.obs_names_make_unique()
    repeats = 1 if args.quick else 3
    sd.pp.cell_sentences(cells)
    model = library.transformers_model("embedded", dtype=args.dtype)
    annotate_s = median_seconds(lambda: sd.tl.annotate(cells, model), repeats)

    lists, labels, known = sd.get.gene_lists(cells), library.labels_of(model), model.spec.genes or frozenset()
    lists = [[gene for gene in genes if gene in known][: model.spec.n_genes] for genes in lists]
    questions, completions = library.annotation_questions(model, lists, labels)
    prompts = [question.prompt for question in questions]
    score_s = median_seconds(lambda: model.score(prompts, completions), repeats)

    few = prompts[:: max(1, len(prompts) // (10 if args.quick else 100))]
    generate_s = median_seconds(lambda: [generate_one(model, prompt) for prompt in few], repeats)

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
    figures = {name: round(rate, 1) for name, rate in rates.items()}
    report(
        "annotate",
        figures | {"ratio_to_generate": round(ratio, 2), "dtype": str(model.dtype)},
        n=len(prompts),
        seed=0,
        quick=args.quick,
        packages=("torch", "transformers"),
        model="embedded",
    )


if __name__ == "__main__":
    main()
