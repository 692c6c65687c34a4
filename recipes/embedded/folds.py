"""Which cells the embedded model is trained on in each run, and which cells are held out.

The fold ``main`` holds out two studies of the pancreas and a quarter of the donors of the other two; a quarter of the
donors of lymphoid organs is in no fold. Each other fold holds out one study of the pancreas and, for "unknown", another
tissue; the fold ``pancreas`` holds out the pancreas. Recipe and calibration are chosen on the validation donors. Only a
model with the calibration of another model, such as the shipped one, is trained on them.
"""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad
import numpy as np
from numpy.typing import NDArray

from recipes.embedded import real_cells


class Fold(NamedTuple):
    """What a run holds out."""

    #: Studies of the pancreas.
    studies: frozenset[str]
    #: Whole tissues.
    tissues: frozenset[str] = frozenset()
    #: Whether the held-out donors of the other studies of the pancreas are left out.
    donors: bool = False


FOLDS = {
    "main": Fold(frozenset({"Muraro", "Tritschler"}), donors=True),
    "muraro": Fold(frozenset({"Muraro"}), frozenset({"retina"})),
    "tritschler": Fold(frozenset({"Tritschler"}), frozenset({"heart"})),
    "fasolino": Fold(frozenset({"Fasolino"}), frozenset({"lung"})),
    "tosti": Fold(frozenset({"Tosti"}), frozenset({"blood"})),
    "pancreas": Fold(frozenset(), frozenset({"pancreas"})),
}
#: Donors on which recipe and calibration are chosen.
VALIDATION = {"TUM_C1", "HPAP035", "101", "107", "TSP14", "4861STDY7462256"}
#: The studies behind each tissue.
TISSUES = {
    "blood": ("pbmc3k", "kang"),
    "pancreas": real_cells.PANCREAS,
    "lung": ("lung",),
    "heart": ("heart_0", "heart_1"),
    "retina": ("retina",),
    "lymphoid organs": ("lymphoid_organs",),
    "head and neck": ("head_and_neck",),
    "colon": ("colon",),
}
#: Studies that measure a part of the genes: cells of their types are not generated.
PANELS = {"kang", "head_and_neck", "colon"}


def tissue_of(study: str) -> str:
    """The tissue that a study took its cells from."""
    return next(tissue for tissue, names in TISSUES.items() if study in names)


def studies(fold: Fold) -> dict[str, ad.AnnData]:
    """All labelled cells of a fold by study, validation donors included."""
    pancreas = real_cells.pancreas()
    parts = ("train",) if fold.donors else ("train", "held_out_donors", "muraro", "tritschler")
    cells = ad.concat([pancreas[name] for name in parts], merge="same")
    study = cells.obs["study"].astype(str)
    found = {name: cells[study.str.contains(name).to_numpy()].copy() for name in real_cells.PANCREAS}
    found |= {
        "pbmc3k": real_cells.pbmc3k(),
        "kang": real_cells.kang(),
        "lung": real_cells.lung(),
        "retina": real_cells.retina(),
        "lymphoid_organs": real_cells.lymphoid_organs()["train"],
        "head_and_neck": real_cells.head_and_neck(),
        "colon": real_cells.colon(),
    }
    found |= {f"heart_{i}": cells for i, cells in enumerate(real_cells.heart())}
    return {
        name: cells
        for name, cells in found.items()
        if cells.n_obs and name not in fold.studies and tissue_of(name) not in fold.tissues
    }


def is_validation(cells: ad.AnnData) -> NDArray[np.bool_]:
    """Which cells come from a validation donor."""
    if "donor" not in cells.obs:
        return np.zeros(cells.n_obs, dtype=bool)
    return cells.obs["donor"].astype(str).isin(VALIDATION).to_numpy()
