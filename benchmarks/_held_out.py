"""Labelled cells of held-out donors and studies, each with training cells for baselines."""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad
import numpy as np

import sc_duality as sd
from recipes.embedded import cell_types, real_cells
from recipes.embedded.folds import FOLDS, is_validation

#: Label that another label of the model counts as where the truth has no finer one: sorted monocytes.
MERGED = {"non-classical monocyte": "classical monocyte"}


class HeldOut(NamedTuple):
    """A held-out set."""

    #: The fold whose models are not trained on these cells.
    fold: str
    #: Training cells of the baselines.
    train: ad.AnnData
    cells: ad.AnnData
    #: Whether labels are merged by ``MERGED``.
    merged: bool = False

    @property
    def labels(self) -> list[str]:
        """The labels to choose from."""
        return sorted(self.train.obs["label"].unique())


def held_out_sets(left_out: bool = False) -> dict[str, HeldOut]:
    """The five held-out sets of the fold ``main``; with ``left_out`` also each left-out study of the pancreas."""
    pancreas, blood = real_cells.pancreas(), real_cells.pbmc3k()
    sets = {
        "held_out_donors": HeldOut("main", pancreas["train"], pancreas["held_out_donors"]),
        "muraro": HeldOut("main", pancreas["train"], pancreas["muraro"]),
        "tritschler": HeldOut("main", pancreas["train"], pancreas["tritschler"]),
        "pbmc68k_reduced": HeldOut("main", blood, real_cells.pbmc68k(), merged=True),
        "pbmc_facs_800": HeldOut("main", blood, real_cells.pbmc_facs(), merged=True),
    }
    if not left_out:
        return sets
    whole = ad.concat(list(pancreas.values()), merge="same")
    study = whole.obs["study"].astype(str)
    for name, fold in FOLDS.items():
        if name != "main" and fold.studies:
            out = study.str.contains("|".join(fold.studies)).to_numpy()
            # Recipes are chosen on validation donors, so these are excluded.
            sets[f"without_{name}"] = HeldOut(name, whole[~out].copy(), whole[out & ~is_validation(whole)].copy())
    return sets


def quick_sets(seed: int, n: int = 40) -> dict[str, HeldOut]:
    """Shipped cells for ``--quick``: ``n`` cells of the shipped PBMC3k, with the others as training cells."""
    cells = shipped_pbmc3k()
    order = np.random.default_rng(seed).permutation(cells.n_obs)
    return {"pbmc3k, shipped cells": HeldOut("main", cells[order[n:]].copy(), cells[order[:n]].copy())}


def shipped_pbmc3k() -> ad.AnnData:
    """The 317 shipped cells of PBMC3k with the model's labels; no shipped model is trained on them."""
    cells = sd.datasets.pbmc3k()
    cells.obs["label"] = cells.obs["cell_type"].astype(str).replace(cell_types.SYNONYMS).to_numpy()
    cells.obs["tissue"] = "blood"
    return cells
