"""The models of the response benchmark: small gene models, trained by ``tl.train_sft`` without a held-out group."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks._response_sets import HeldOutGroup
from recipes.embedded import real_cells
from recipes.response.training import N_CHANGED, N_GENES, OPTIONS
from sc_duality.tasks import GeneChangeResponse, Perturbation

#: Updates of a training, by set.
STEPS = {"kang": 480, "glioblastoma": 600, "crispri": 150}


def training_cells(held_out: HeldOutGroup) -> ad.AnnData:
    """Control and treated cells of the training groups, and the input cells of the held-out group as controls."""
    parts = [cells for group in held_out.training for cells in (group.control, group.treated)]
    cells = ad.concat([*parts, held_out.control])
    return cells[~cells.obs_names.duplicated()].copy()


def task(held_out: HeldOutGroup, cells: ad.AnnData) -> GeneChangeResponse:
    """Gene changes of matched groups."""
    names = dict.fromkeys(cells.obs["perturbation"].astype(str))
    known = {str(one): one for one in (real_cells.CONTROL, held_out.perturbation, *_knockdowns())}
    known[str(real_cells.INTERFERON)], known[str(real_cells.PANOBINOSTAT)] = (
        real_cells.INTERFERON,
        real_cells.PANOBINOSTAT,
    )
    return GeneChangeResponse(
        perturbation="perturbation", control=str(real_cells.CONTROL),
        perturbations={name: known[name] for name in names}, match=["group"], n_changed=N_CHANGED,
    )  # fmt: skip


def _knockdowns() -> list[Perturbation]:
    return [Perturbation("knockdown", target) for target in ("MED12", "SRC", "STAT1", "TET1", "TMSB4X")]


def trained_model(held_out: HeldOutGroup, folder: Path, seed: int, steps: int | None = None) -> Path:
    """The model that has not seen the held-out treated cells; trained once a folder."""
    cells = training_cells(held_out)
    sd.pp.cell_sentences(cells, exclude=None)
    genes = [*cells.uns["cell_sentence"]["genes"], *(one.target for one in _knockdowns())]
    start = folder / "start"
    if not start.exists():
        sd.models.new_gene_model(start, genes, n_genes=N_GENES, context_length=N_GENES + 2 * N_CHANGED + 16, rng=seed)
    n_control = int((cells.obs["perturbation"] == str(real_cells.CONTROL)).sum())
    epochs = (steps or STEPS[held_out.set]) * OPTIONS["batch_size"] / 2 / n_control
    return sd.tl.train_sft(
        cells, start, folder / "model", tasks=[task(held_out, cells)], held_out=0.0, n_genes=N_GENES,
        num_train_epochs=epochs, rng=seed, **OPTIONS,
    ).model  # fmt: skip


def dual_accuracy(held_out: HeldOutGroup, model: Path, n: int, seed: int) -> float:
    """Share of ``n`` held-out changes, half of them noise between control cells, whose perturbation is read back.

    Chance is one half: each change is compared under the perturbation and under control.
    """
    from sc_duality.examples import ModelCells, build, sample_examples

    cells = ad.concat([held_out.control, held_out.treated])
    cells.obs["group"] = "held out"
    sd.pp.cell_sentences(cells, exclude=None)
    engine = sd.models.load(model)
    read = ModelCells(cells, engine.spec, n_genes=N_GENES)
    builder = build(task(held_out, cells), read)
    pool = builder.labelled(np.ones(cells.n_obs, dtype=bool))
    found = list(sample_examples(read, pool, n, np.random.default_rng(seed), augment=False))
    right = []
    for one in found:
        dual = one.questions()[1]
        options = [one.example.perturbation, *one.wrong]
        texts = [dual.completion(option) for option in options]
        right.append(engine.score([dual.prompt], texts)[0].argmax() == 0)
    return float(np.mean(right))
