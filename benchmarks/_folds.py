"""Which cells the embedded model learns from in each run, and which it is judged on.

The fold ``main`` leaves out what the tables judge by: two studies of the pancreas, a quarter of the donors of the
other two. Each other fold leaves out one study of the pancreas and, for "unknown", a whole other tissue; the fold
``pancreas`` leaves out the pancreas. Validation donors choose recipe and calibration; only a model that takes
its calibration from another one, as the shipped one does, learns from them.
"""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad
import numpy as np
from numpy.typing import NDArray

from benchmarks import _cells


class Fold(NamedTuple):
    """What a run leaves out."""

    #: Studies of the pancreas.
    studies: frozenset[str]
    #: Whole tissues.
    tissues: frozenset[str] = frozenset()
    #: Whether the donors of the table are left out of the other studies of the pancreas.
    donors: bool = False


FOLDS = {
    "main": Fold(frozenset({"Muraro", "Tritschler"}), donors=True),
    "muraro": Fold(frozenset({"Muraro"}), frozenset({"retina"})),
    "tritschler": Fold(frozenset({"Tritschler"}), frozenset({"heart"})),
    "fasolino": Fold(frozenset({"Fasolino"}), frozenset({"lung"})),
    "tosti": Fold(frozenset({"Tosti"}), frozenset({"blood"})),
    "pancreas": Fold(frozenset(), frozenset({"pancreas"})),
}
#: Donors that choose the recipe and the calibration.
VALIDATION = {"TUM_C1", "HPAP035", "101", "107", "TSP14"}
#: The studies behind each tissue.
TISSUES = {
    "blood": ("pbmc3k", "kang"),
    "pancreas": _cells.PANCREAS,
    "lung": ("lung",),
    "heart": ("heart_0", "heart_1"),
    "retina": ("retina",),
}
#: Studies of a panel of genes, unlike a whole cell.
PANELS = {"kang"}


def tissue_of(study: str) -> str:
    """The tissue that a study took its cells from."""
    return next(tissue for tissue, names in TISSUES.items() if study in names)


def studies(fold: Fold) -> dict[str, ad.AnnData]:
    """All labelled cells of a fold by study, validation donors included."""
    pancreas = _cells.pancreas()
    seen = ("train",) if fold.donors else ("train", "held_out_donors", "muraro", "tritschler")
    cells = ad.concat([pancreas[name] for name in seen], merge="same")
    study = cells.obs["study"].astype(str)
    found = {name: cells[study.str.contains(name).to_numpy()].copy() for name in _cells.PANCREAS}
    found |= {"pbmc3k": _cells.pbmc3k(), "kang": _cells.kang(), "lung": _cells.lung(), "retina": _cells.retina()}
    found |= {f"heart_{i}": cells for i, cells in enumerate(_cells.heart())}
    return {
        name: cells
        for name, cells in found.items()
        if cells.n_obs and name not in fold.studies and tissue_of(name) not in fold.tissues
    }


def learned(fold: Fold, everyone: bool = False) -> dict[str, ad.AnnData]:
    """The labelled cells that a model of a fold learns from, by study; the validation donors' where ``everyone``'s."""
    return {name: cells if everyone else cells[~is_validation(cells)].copy() for name, cells in studies(fold).items()}


def is_validation(cells: ad.AnnData) -> NDArray[np.bool_]:
    """Which cells come from a validation donor."""
    if "donor" not in cells.obs:
        return np.zeros(cells.n_obs, dtype=bool)
    return cells.obs["donor"].astype(str).isin(VALIDATION).to_numpy()
