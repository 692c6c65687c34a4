"""A virtual screen whose truth is known: interferon-β, panobinostat and knockdowns as the library.

The model is trained on one donor of the interferon study, on four patients of the panobinostat study and on the
knockdowns; the screened cells are control cells of the other donor. The interferon program has to rank interferon-β
first. A library of 200 knockdowns, killed half way and resumed, is timed.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._response_new_donor import held_out_donor, new_donor_scores
from benchmarks._response_sets import program_genes
from recipes.embedded import real_cells
from recipes.embedded.perturbed_cells import PERTURBATIONS
from recipes.response.build import STEPS
from recipes.response.training import train

HELD_OUT_DONOR, HELD_OUT_PATIENT = "107", "PW040"
CONTEXTS = {"monocytes": "classical monocyte", "neutral": "B cell"}
N_CELLS, N_LIBRARY = 8, 200


class Stopped(KeyboardInterrupt):
    """Raised in the middle of a screen, as by the user."""


def training_sets() -> list[ad.AnnData]:
    """The three studies without the held-out donor and patient."""
    kang, patients, stem = real_cells.kang_response(), real_cells.glioblastoma(), real_cells.crispri()
    kept = [kang[kang.obs["donor"].astype(str) != HELD_OUT_DONOR], patients[patients.obs["donor"] != HELD_OUT_PATIENT]]
    return [cells.copy() for cells in (*kept, stem)]


def screen(folder: Path) -> dict[str, Any]:
    """Rank of the true inducer, and the time of a library of 200 names with an interruption."""
    model = train(training_sets(), folder, STEPS)
    kang = real_cells.kang_response()
    new_donor = {
        "interferon": new_donor_scores(model, held_out_donor(kang, HELD_OUT_DONOR, "kang")),
        "panobinostat": new_donor_scores(
            model, held_out_donor(real_cells.glioblastoma(), HELD_OUT_PATIENT, "glioblastoma")
        ),
    }
    chosen = (kang.obs["donor"].astype(str) == HELD_OUT_DONOR) & (kang.obs["perturbation"] == str(real_cells.CONTROL))
    kang, rng = kang[chosen.to_numpy()].copy(), np.random.default_rng(0)
    adatas = {
        name: kang[np.sort(rng.permutation(np.flatnonzero((kang.obs["label"] == label).to_numpy()))[:N_CELLS])].copy()
        for name, label in CONTEXTS.items()
    }
    program = {"interferon": program_genes(list(kang.var_names))}
    known = [one for one in PERTURBATIONS if not one.is_control]
    table = sd.tl.screen(adatas, known, model, gene_set=program)
    ranks = {
        name: part["perturbation"].tolist().index(str(real_cells.INTERFERON)) + 1
        for name, part in table.groupby("context")
    }
    known_genes = sd.models.resolve(model).genes or frozenset()
    targets = [str(gene) for gene in kang.var_names if gene in known_genes]
    names = [library.Perturbation("knockdown", gene) for gene in targets[:N_LIBRARY]]
    seconds, n_requested = timed(adatas, names, model, program, folder / "library.sqlite")
    return {
        "new_donor": new_donor,
        "true_hit_rank": max(ranks.values()),
        "ranks": ranks,
        "effect": {name: round(float(part["effect"].iloc[0]), 1) for name, part in table.groupby("context")},
        "next_effect": {name: round(float(part["effect"].iloc[1]), 1) for name, part in table.groupby("context")},
        "q": {name: float(part["q"].iloc[0]) for name, part in table.groupby("context")},
        "seconds_200": round(seconds, 1),
        "predictions": n_requested,
        "n_library": len(names),
    }


class Counting:
    """A model that counts its prompts, and is interrupted after some of them."""

    def __init__(self, model: Path, stop_after: int) -> None:
        self._model, self.n, self._stop = sd.models.load(model), 0, stop_after
        self.spec = self._model.spec

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, prompts: Any, sampling: Any) -> Any:
        """Completions; counts them."""
        if self.n >= self._stop:
            raise Stopped
        self.n += len(prompts)
        return self._model.generate(prompts, sampling)


def timed(
    adatas: dict[str, ad.AnnData], names: list[Any], model: Path, program: Any, output: Path
) -> tuple[float, int]:
    """Seconds and prompts of a screen that is interrupted half way and resumed."""
    total = len(names) * 3 * sum(cells.n_obs for cells in adatas.values())
    output.unlink(missing_ok=True)
    began, first = time.perf_counter(), Counting(model, total // 2)
    with suppress(Stopped):
        sd.tl.screen(adatas, names, first, gene_set=program, output=output)
    second = Counting(model, 2 * total)
    sd.tl.screen(adatas, names, second, gene_set=program, output=output)
    assert first.n + second.n <= total, "a prediction was requested twice"
    return time.perf_counter() - began, first.n + second.n
