"""How well the recipe of the packaged model of responses predicts a held-out donor and a held-out patient."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks._response_baselines import Pair, mean_shift
from benchmarks._response_scores import ResponseScores
from benchmarks._response_sets import Group, HeldOutGroup, is_control, is_reference, log_normalised
from recipes.embedded import real_cells

N_SAMPLES = 4


def held_out_donor(cells: ad.AnnData, donor: str, name: str) -> list[HeldOutGroup]:
    """The groups of one donor, or patient; the groups of the others are for training."""
    control, reference = is_control(cells), is_reference(cells)
    of_donor = (cells.obs["donor"].astype(str) == donor).to_numpy()
    groups = cells.obs["group"].to_numpy(str)
    parts = {group: groups == group for group in sorted(set(groups))}
    training = [
        Group(group, cells[of & control].copy(), cells[of & ~control].copy())
        for group, of in parts.items()
        if not (of & of_donor).any()
    ]
    perturbation = real_cells.INTERFERON if name == "kang" else real_cells.PANOBINOSTAT
    return [
        HeldOutGroup(
            name, group, perturbation, cells[of & control & ~reference].copy(), cells[of & reference].copy(),
            cells[of & ~control].copy(), training,
        )
        for group, of in parts.items()
        if (of & of_donor).any()
    ]  # fmt: skip


def new_donor_scores(model: Path, held_out: list[HeldOutGroup]) -> dict[str, float]:
    """Mean correlation of change over the groups of a held-out donor.

    ``same_type`` is the change of the same cell type in the other donors, the best that a table of known responses
    offers; in a study without types it is the mean shift.
    """
    found = []
    for group in held_out:
        scores, control = ResponseScores(group), log_normalised(group.control)
        treated = sd.tl.perturb(
            group.control, group.perturbation, model, sampling=sd.Sampling(n_samples=N_SAMPLES), rng=0
        )
        change = np.nan_to_num(treated.var["perturbation_change"].to_numpy()) * np.log(10)
        label = group.name.split(", donor")[0]
        same = [one for one in group.training if one.name.startswith(label)] or group.training
        shifts = {
            name: mean_shift([Pair(log_normalised(one.control), log_normalised(one.treated)) for one in pairs], control)
            for name, pairs in (("mean_shift", group.training), ("same_type", same))
        }
        found.append(
            {"model": sd.metrics.pearson(scores.change, change)}
            | {name: sd.metrics.pearson(scores.change, shift.change) for name, shift in shifts.items()}
        )
    return {name: round(float(np.mean([one[name] for one in found])), 4) for name in found[0]}
