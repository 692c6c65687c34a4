"""A held-out group of shipped cells with a made perturbation, for ``--quick``."""

from __future__ import annotations

import numpy as np

from benchmarks._held_out import shipped_pbmc3k
from benchmarks._response_sets import Group, HeldOutGroup
from recipes.embedded import real_cells

#: Genes that the made perturbation raises, and the number of others.
RAISED = ("ISG15", "IFI6", "IFIT1", "IFIT2", "IFIT3", "MX1", "LY6E", "ISG20", "B2M", "HLA-B")
N_MEASURED = 600
HELD_OUT = "classical monocyte"


def made_group() -> HeldOutGroup:
    """Every other cell has more counts of interferon-induced genes; monocytes are held out."""
    cells = shipped_pbmc3k()
    mean = np.asarray(cells.X.mean(0)).ravel()
    cells = cells[
        :, np.isin(np.arange(cells.n_vars), np.argsort(-mean)[:N_MEASURED]) | cells.var_names.isin(RAISED)
    ].copy()
    treated = np.arange(cells.n_obs) % 2 == 0
    columns = np.flatnonzero(cells.var_names.isin(RAISED))
    X = cells.X.tolil()
    for row in np.flatnonzero(treated):
        X[row, columns] = 20
    cells.X = X.tocsr()
    cells.obs["perturbation"] = np.where(treated, str(real_cells.INTERFERON), str(real_cells.CONTROL))
    cells.obs["group"] = cells.obs["label"].astype(str)
    label = cells.obs["label"].to_numpy(str)
    training = [
        Group(name, cells[(label == name) & ~treated].copy(), cells[(label == name) & treated].copy())
        for name in sorted(set(label) - {HELD_OUT})
        if min(((label == name) & ~treated).sum(), ((label == name) & treated).sum()) > 1
    ]
    control = np.flatnonzero((label == HELD_OUT) & ~treated)
    return HeldOutGroup(
        "made", HELD_OUT, real_cells.INTERFERON,
        cells[control[::2]].copy(), cells[control[1::2]].copy(), cells[(label == HELD_OUT) & treated].copy(), training,
    )  # fmt: skip
