"""Cells of types that the embedded model lacks, near a type that it knows: how many of them become unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

from benchmarks import _library as library
from recipes.embedded import real_cells

#: Type, and the study and its name there.
TYPES = {
    "plasmacytoid dendritic cell": ("immune_tumour", "pDC"),
    "gamma-delta T cell": ("immune_tumour", "gdT"),
    "tumour cell, colon": ("crc_scmetalink", "tumour cell"),
    "tumour cell, lung": ("cosmx_lung_tumour", "tumour cell"),
}
PROGENITOR = "CD34-positive progenitor cell"


def lookalike_cells(quick: bool) -> dict[str, ad.AnnData]:
    """The cells by type; ``quick``: only progenitors, which scanpy ships."""
    blood = sc.datasets.pbmc68k_reduced()
    found = {PROGENITOR: blood[blood.obs["bulk_labels"] == "CD34+"].raw.to_adata()}
    for name, (study, its_name) in {} if quick else TYPES.items():
        cells = real_cells.stored(study)
        found[name] = cells[(cells.obs["cell_type"] == its_name).to_numpy()].copy()
    return found


def lookalikes(models: Sequence[str], quick: bool) -> dict[str, dict[str, Any]]:
    """Share of cells of each type that become unknown, and the most frequent label of the others."""
    known, found = set(library.labels_of(models[0])), {}
    for name, cells in lookalike_cells(quick).items():
        if name not in known:
            labels = np.concatenate([library.annotate(cells, model, None).obs["annotation"] for model in models])
            called = pd.Series(labels[labels != "unknown"]).value_counts()
            found[name] = {
                "n": cells.n_obs,
                "unknown": round(float((labels == "unknown").mean()), 4),
                "called": str(called.index[0]) if len(called) else None,
            }
    return found
