"""Train one small gene model on the gene changes of several studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad

import sc_duality as sd
from recipes.embedded import real_cells
from recipes.embedded.perturbed_cells import PERTURBATIONS
from sc_duality.tasks import GeneChangeResponse

#: Genes of a cell that the model reads, and genes of each list of changes at most.
N_GENES, N_CHANGED = 60, 100
#: Share of treated examples under a perturbation of another study. Without it, the model predicted interferon's change
#: of every blood cell, whatever the perturbation, since blood cells were treated with nothing else.
TRANSFER = 0.4
#: Options of ``tl.train_sft``.
OPTIONS: dict[str, Any] = {"batch_size": 24, "learning_rate": 2e-3, "weight_decay": 0.05}


def in_one(studies: list[ad.AnnData]) -> ad.AnnData:
    """The cells of all studies over the genes of any; a gene that a study did not measure has no counts in it."""
    renamed = [cells.copy() for cells in studies]
    for cells in renamed:
        cells.var_names = cells.var_names.str.replace(r"_ENSG\d+$", "", regex=True)
    return ad.concat(renamed, join="outer", fill_value=0)


def train(studies: list[ad.AnnData], folder: Path, steps: int, seed: int = 0) -> Path:
    """One model of all perturbations of these studies, as ``recipes.embedded.real_cells`` reads them."""
    cells = in_one(studies)
    sd.pp.cell_sentences(cells, exclude=None)
    targets = [str(one.target) for one in PERTURBATIONS if one.operation == "knockdown"]
    genes = [*cells.uns["cell_sentence"]["genes"], *targets]
    start = folder / "start"
    if not start.exists():
        sd.models.new_gene_model(start, genes, n_genes=N_GENES, context_length=N_GENES + 2 * N_CHANGED + 16, rng=seed)
    task = GeneChangeResponse(
        perturbation="perturbation", control=str(real_cells.CONTROL), match=["group"], n_changed=N_CHANGED,
        perturbations={str(one): one for one in PERTURBATIONS}, transfer=TRANSFER,
    )  # fmt: skip
    n_control = int((cells.obs["perturbation"] == str(real_cells.CONTROL)).sum())
    return sd.tl.train_sft(
        cells, start, folder / "model", tasks=[task], held_out=0.0, n_genes=N_GENES,
        num_train_epochs=steps * OPTIONS["batch_size"] / 2 / n_control, rng=seed, **OPTIONS,
    ).model  # fmt: skip
