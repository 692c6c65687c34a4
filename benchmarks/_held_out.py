"""Labelled cells of held-out donors and studies, each with training cells for baselines."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from recipes.embedded import cell_types, real_cells
from recipes.embedded.folds import FOLDS, is_validation

#: Labels that count as another one where the truth has no finer one: sorted monocytes, and "MDC" of tumours.
MONOCYTES = {"non-classical monocyte": "classical monocyte"}
MACROPHAGES = {"classical monocyte": "macrophage", "non-classical monocyte": "macrophage"}
#: Fewest training cells with a gene, for ``--quick``.
QUICK_MIN_CELLS = 10


class HeldOut(NamedTuple):
    """A held-out set."""

    #: The fold whose models are not trained on these cells.
    fold: str
    #: Tissue of the cells.
    tissue: str
    #: Training cells of the baselines.
    train: ad.AnnData
    cells: ad.AnnData
    #: Cells on which a baseline is chosen; those among the training cells are then left out of these.
    validation: ad.AnnData
    #: The label that a label counts as.
    merged: Mapping[str, str] = MappingProxyType({})

    @property
    def labels(self) -> list[str]:
        """The labels to choose from."""
        return sorted(self.train.obs["label"].unique())


def held_out_sets(left_out: bool = False) -> dict[str, HeldOut]:
    """The five sets of pancreas and blood of the fold ``main``; with ``left_out`` also each left-out study."""
    pancreas, blood, shipped = real_cells.pancreas(), real_cells.pbmc3k(), shipped_pbmc3k()
    train, validation = pancreas["train"], validation_of(pancreas["train"])
    sets = {
        **{
            name: HeldOut("main", "pancreas", train, pancreas[name], validation)
            for name in ("held_out_donors", "muraro", "tritschler")
        },
        "pbmc68k_reduced": HeldOut("main", "blood", blood, real_cells.pbmc68k(), shipped, MONOCYTES),
        "pbmc_facs_800": HeldOut("main", "blood", blood, real_cells.pbmc_facs(), shipped, MONOCYTES),
    }
    if not left_out:
        return sets
    whole = ad.concat(list(pancreas.values()), merge="same")
    study = whole.obs["study"].astype(str)
    for name, fold in FOLDS.items():
        if name != "main" and fold.studies:
            out = study.str.contains("|".join(fold.studies)).to_numpy()
            # Recipes are chosen on validation donors, so these are excluded.
            train, cells = whole[~out].copy(), whole[out & ~is_validation(whole)].copy()
            sets[f"without_{name}"] = HeldOut(name, "pancreas", train, cells, validation_of(train))
    return sets


def immune_sets() -> dict[str, HeldOut]:
    """Immune cells of tumours of another study, and held-out donors of lymphoid organs."""
    organs = real_cells.lymphoid_organs()
    tumour, held_out = real_cells.tumour(), organs["held_out_donors"]
    # Without colon, which measures genes of metabolism only: it leaves 1,009 of 2,818 shared genes of the tumours.
    studies = [organs["train"], real_cells.head_and_neck(), real_cells.lung(), real_cells.pbmc3k()]
    return {
        "immune_tumour": _immune_set("tumour", studies, tumour, MACROPHAGES),
        "lymphoid_organs": _immune_set("lymphoid organs", studies, held_out, {}),
    }


def _immune_set(tissue: str, studies: list[ad.AnnData], cells: ad.AnnData, merged: Mapping[str, str]) -> HeldOut:
    """The training cells are those of types of the truth, on the genes of all studies."""
    types, parts = set(cells.obs["label"]), []
    for study in studies:
        part = study[study.obs["label"].replace(dict(merged)).isin(types).to_numpy()].copy()
        donor = part.obs["donor"].astype(str) if "donor" in part.obs else ""
        part.obs = pd.DataFrame({"label": part.obs["label"].astype(str), "donor": donor}, index=part.obs_names)
        parts.append(part)
    train = ad.concat(parts)
    return HeldOut("main", tissue, train, cells, validation_of(train), merged)


def validation_of(cells: ad.AnnData) -> ad.AnnData:
    """The cells of validation donors."""
    return cells[is_validation(cells)].copy()


def quick_sets(seed: int, n: int = 40) -> dict[str, HeldOut]:
    """Shipped cells for ``--quick``: ``n`` cells of the shipped PBMC3k, with the others as training cells.

    The training cells have the genes that some of them express, for speed.
    """
    cells = shipped_pbmc3k()
    order = np.random.default_rng(seed).permutation(cells.n_obs)
    test, validation, train = (cells[rows].copy() for rows in (order[:n], order[n : 2 * n], order[n:]))
    expressed = np.asarray((train.X > 0).sum(0)).ravel() >= QUICK_MIN_CELLS
    return {"pbmc3k, shipped cells": HeldOut("main", "blood", train[:, expressed].copy(), test, validation)}


def shipped_pbmc3k() -> ad.AnnData:
    """The 317 shipped cells of PBMC3k with the model's labels; no shipped model is trained on them."""
    cells = sd.datasets.pbmc3k()
    cells.obs["label"] = cells.obs["cell_type"].astype(str).replace(cell_types.SYNONYMS).to_numpy()
    cells.obs["tissue"] = "blood"
    return cells
