"""The cells of every stage of training, by study, and the reference cells of the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recipes.embedded import real_cells
from recipes.embedded.folds import FOLDS, PANELS, is_validation, studies, tissue_of
from recipes.embedded.perturbed_cells import FOLDS as RESPONSE_FOLDS
from recipes.embedded.perturbed_cells import perturbed_sets

#: Most cells of a type and study.
MAX_CELLS = 1000
#: Studies whose cells may not be copied into the package, and the number of cells that each drawn cell is a mean of.
NOT_COPIED, N_AVERAGED = {"kang", "lymphoid_organs", "head_and_neck", "colon"}, 10
#: Cells of a type and study that give generation its context, the tissue.
CELLS_PER_TYPE = 10
#: Labels of the sensitivity task: no data with known sensitivity, so whether a cell was treated.
EXPOSURE = ("untreated", "treated")


def labelled_cells(fold: str, *, with_validation: bool) -> dict[str, ad.AnnData]:
    """Cells with ``obs["label"]`` and ``obs["tissue"]``, and ``obs["generated"]`` where all genes were measured."""
    found = {}
    for name, cells in studies(FOLDS[fold]).items():
        chosen = at_most(cells[with_validation | ~is_validation(cells)], MAX_CELLS, np.random.default_rng(0))
        chosen.obs["tissue"] = tissue_of(name)
        if name not in PANELS:
            chosen.obs["generated"] = chosen.obs["label"].astype(str)
        found[name] = chosen
    return found


def generation_contexts(cells: Mapping[str, ad.AnnData]) -> list[ad.AnnData]:
    """A few cells of each type and study whose generation is learned."""
    contexts = []
    for study in cells.values():
        if "generated" in study.obs:
            nth = study.obs.groupby("label", observed=True).cumcount().to_numpy()
            contexts.append(study[nth < CELLS_PER_TYPE].copy())
    return contexts


def validation_cells(fold: str) -> list[ad.AnnData]:
    """The labelled cells of the validation donors, by study."""
    found = [cells[is_validation(cells)].copy() for cells in studies(FOLDS[fold]).values()]
    return [cells for cells in found if cells.n_obs]


def perturbed_cells(leave_out: int | None) -> dict[str, ad.AnnData]:
    """Cells with ``obs["perturbation"]`` and no label, and ``obs["exposure"]`` of those of the drug."""
    found = perturbed_sets(None if leave_out is None else RESPONSE_FOLDS[leave_out])
    for name, cells in found.items():
        cells.obs = cells.obs[["group", "perturbation"]].assign(tissue=name)
    treated = found["glioblastoma"].obs["perturbation"] != str(real_cells.CONTROL)
    found["glioblastoma"].obs["exposure"] = np.array(EXPOSURE)[treated.astype(int)]
    return found


def reference_cells(cells: Mapping[str, ad.AnnData], genes: Sequence[str]) -> list[ad.AnnData]:
    """The labelled cells over these genes; drawn from means where cells may not be copied."""
    rng, found = np.random.default_rng(0), []
    for name, study in cells.items():
        part = study[:, study.var_names.isin(list(genes))].copy()
        found.append(drawn(part, rng) if name in NOT_COPIED else part)
    return found


def drawn(cells: ad.AnnData, rng: np.random.Generator) -> ad.AnnData:
    """As many cells of each type, each drawn from the mean of ten, with the depth of one."""
    labels = cells.obs["label"].astype(str).to_numpy()
    X = sparse.csr_matrix(cells.X, dtype=np.float64)
    depth = np.maximum(np.asarray(X.sum(1)).ravel(), 1)
    rates = sparse.csr_matrix(sparse.diags(1 / depth) @ X)
    rows = []
    for label in labels:
        members = np.flatnonzero(labels == label)
        chosen = rng.choice(members, min(N_AVERAGED, len(members)), replace=False)
        rows.append(sparse.csr_matrix(rng.poisson(rates[chosen].mean(0).A1 * depth[chosen[0]])))
    return ad.AnnData(sparse.vstack(rows, format="csr"), cells.obs, cells.var)


def at_most(cells: ad.AnnData, n: int, rng: np.random.Generator) -> ad.AnnData:
    """At most ``n`` cells of each label, chosen at random."""
    labels = cells.obs["label"].astype(str)
    rows: NDArray[np.int64] = rng.permutation(cells.n_obs)
    counted = pd.Series(labels.to_numpy()[rows]).groupby(labels.to_numpy()[rows]).cumcount().to_numpy()
    return cells[np.sort(rows[counted < n])].copy()
