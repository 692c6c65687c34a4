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
#: Options of ``tl.train_sft``.
OPTIONS: dict[str, Any] = {"batch_size": 24, "learning_rate": 2e-3, "weight_decay": 0.05}


def train(studies: list[ad.AnnData], folder: Path, steps: int, seed: int = 0) -> Path:
    """One model of all perturbations of these studies, as ``recipes.embedded.real_cells`` reads them."""
    genes: dict[str, None] = {}
    for cells in studies:
        sd.pp.cell_sentences(cells)
        genes |= dict.fromkeys(cells.uns["cell_sentence"]["genes"])
    genes |= {str(one.target): None for one in PERTURBATIONS if one.operation == "knockdown"}
    start = folder / "start"
    if not start.exists():
        sd.models.new_gene_model(start, genes, n_genes=N_GENES, context_length=N_GENES + 2 * N_CHANGED + 16, rng=seed)
    task = GeneChangeResponse(
        perturbation="perturbation", control=str(real_cells.CONTROL), match=["group"], n_changed=N_CHANGED,
        perturbations={str(one): one for one in PERTURBATIONS},
    )  # fmt: skip
    n_control = sum(int((cells.obs["perturbation"] == str(real_cells.CONTROL)).sum()) for cells in studies)
    return sd.tl.train_sft(
        studies, start, folder / "model", tasks=[task], held_out=0.0, n_genes=N_GENES,
        num_train_epochs=steps * OPTIONS["batch_size"] / 2 / n_control, rng=seed, **OPTIONS,
    ).model  # fmt: skip
