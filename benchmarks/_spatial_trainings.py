"""The models of the spatial benchmark: small gene models, trained by ``tl.train_sft`` on the training stripes.

One learns the four tasks on neighbourhoods; another learns questions on interactions of genes too, for as many epochs,
so that both see each neighbourhood as often.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sc_duality as sd
from benchmarks._c2s_trainings import CONTEXT_LENGTH, LAYERS, OPTIONS, WIDTH
from benchmarks._spatial_cells import SpatialSplit

#: Cells of a prompt at most.
N_CELLS = 5
UPDATES, QUICK_UPDATES = 1200, 6
BATCH, LEARNING_RATE = 64, 3e-3
#: The tasks by name; yes/no questions have negatives matched by cell type.
TASKS: dict[str, dict[str, Any]] = {
    "niche": {"truth": "niche"},
    "same_neighbourhood": {"cell_type": "cell_type"},
    "same_niche": {"truth": "niche", "cell_type": "cell_type"},
    "neighbour_generation": {},
}
INTERACTIONS = ("gene_interaction", "interaction_partners")
Pairs = tuple[tuple[str, str], ...]


def settings(name: str, split: SpatialSplit) -> dict[str, Any]:
    """Settings of a task on neighbourhoods."""
    found = {**TASKS[name], "radius": split.radius, "n_cells": N_CELLS}
    if name == "niche":
        found["labels"] = sorted(split.train.obs["niche"].dropna().unique())
    return found


def interactions(file: Path | None, genes: list[str], resource: str = "consensus") -> Pairs:
    """Pairs of LIANA's resource on the panel; none without a file or without such a pair."""
    if file is None:
        return ()
    table = sd.io.read_liana(file, resource)
    on_panel = table["source"].isin(genes) & table["target"].isin(genes)
    try:
        return sd.tasks.interaction_pairs(table, genes=genes)
    except ValueError:
        if on_panel.any():
            raise
        return ()


def trained(
    split: SpatialSplit, folder: Path, seed: int, *, updates: int, pairs: Pairs = (), tasks: tuple[str, ...] = ()
) -> Path:
    """The trained model; a stopped training goes on, and a finished one is not repeated."""
    names = tasks or tuple(TASKS)
    learned = {name: settings(name, split) for name in names}
    start = folder / "start"
    if not start.exists():
        sd.models.new_gene_model(
            start,
            split.genes,
            n_genes=split.n_genes,
            context_length=CONTEXT_LENGTH,
            width=WIDTH,
            layers=LAYERS,
            rng=seed,
        )
    epochs = updates * BATCH / (2 * len(names) * split.train.n_obs)
    if pairs:
        learned |= {name: {"interactions": pairs} for name in INTERACTIONS}
    return sd.tl.train_sft(
        split.train, start, folder / ("with_interactions" if pairs else "model"), tasks=learned,
        num_train_epochs=epochs, rng=seed, batch_size=BATCH, learning_rate=LEARNING_RATE, n_genes=split.n_genes,
        **OPTIONS,
    ).model  # fmt: skip
