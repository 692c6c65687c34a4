"""Models of captions and answers: trained on reference texts, then by GRPO on other donors, rewarded by meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import sc_duality as sd
from benchmarks._caption_cells import Described
from benchmarks._caption_scores import N_CELLS, N_MARKERS

#: Genes of a cell at most.
N_GENES = 10
LORA = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}


class Sizes(NamedTuple):
    """Of a run.

    Parameters
    ----------
    length, max_tokens
        Words of a text, and tokens of a completion at most.
    sft, batch
        Updates of the supervised training, and texts of each.
    grpo, completions, generations
        Updates of GRPO, completions of each, and completions of a prompt.
    """

    length: int
    max_tokens: int
    sft: int
    batch: int
    grpo: int
    completions: int
    generations: int


FULL, QUICK = Sizes(50, 160, 64, 8, 10, 32, 16), Sizes(6, 16, 2, 4, 1, 4, 4)


def tasks(described: Described, length: int) -> dict[str, dict[str, Any]]:
    """Captions, and answers to questions."""
    shared = {"groupby": "group", "length": length, "n_cells": N_CELLS}
    return {
        "caption": {**shared, "truth": described.captions, "n_markers": N_MARKERS},
        "question_answer": {**shared, "truth": described.answers},
    }


def supervised(described: Described, start: str | Path, folder: Path, sizes: Sizes, seed: int) -> Path:
    """The start, trained on the reference texts by ``tl.train_sft``."""
    return sd.tl.train_sft(
        described.cells, start, folder / "sft", tasks=tasks(described, sizes.length), held_out=0.0, augment=False,
        n_genes=N_GENES, lora=LORA, rng=seed, learning_rate=5e-4, batch_size=sizes.batch, per_device_train_batch_size=4,
        num_train_epochs=sizes.sft * sizes.batch / (2 * described.cells.n_obs),
    ).model  # fmt: skip


def rewarded(
    described: Described, start: Path, folder: Path, reward: Callable[..., Any], sizes: Sizes, seed: int
) -> Path:
    """The trained model after GRPO with the semantic reward."""
    return sd.tl.train_grpo_duality(
        described.cells, start, folder / "grpo", tasks=tasks(described, sizes.length), reward=reward,
        preset="c2s-scale-qa", n_genes=N_GENES, lora=LORA, rng=seed, max_steps=sizes.grpo, learning_rate=1e-4,
        num_generations=sizes.generations, generation_batch_size=sizes.completions, batch_size=sizes.completions,
        per_device_train_batch_size=4, max_completion_length=sizes.max_tokens,
    ).model  # fmt: skip
