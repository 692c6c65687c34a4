"""The perturbed cells that the packaged models are trained on, and what each evaluation of response holds out."""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad

from recipes.embedded import real_cells
from sc_duality.tasks import Perturbation

KNOCKDOWNS = ("MED12", "SRC", "STAT1", "TET1", "TMSB4X")
PERTURBATIONS = (
    real_cells.CONTROL,
    real_cells.INTERFERON,
    real_cells.PANOBINOSTAT,
    *(Perturbation("knockdown", target) for target in KNOCKDOWNS),
)


class Fold(NamedTuple):
    """What one evaluation of response holds out: a part of each of the three sets."""

    #: Cell type whose interferon-treated cells are held out.
    label: str
    #: Patient whose cells are held out.
    patient: str
    #: Gene whose knockdown is held out.
    target: str


FOLDS = tuple(
    Fold(*each)
    for each in zip(
        (
            "B cell",
            "CD4-positive, alpha-beta T cell",
            "CD8-positive, alpha-beta T cell",
            "classical monocyte",
            "non-classical monocyte",
        ),
        ("PW030", "PW032", "PW034", "PW036", "PW040"),
        KNOCKDOWNS,
        strict=True,
    )
)


def perturbed_sets(fold: Fold | None) -> dict[str, ad.AnnData]:
    """The training cells of response by set, without what ``fold`` holds out."""
    kang, patients, stem = real_cells.kang_response(), real_cells.glioblastoma(), real_cells.crispri()
    if fold is not None:
        treated = (kang.obs["perturbation"] != str(real_cells.CONTROL)).to_numpy()
        kang = kang[~(treated & (kang.obs["label"] == fold.label).to_numpy())]
        patients = patients[(patients.obs["donor"] != fold.patient).to_numpy()]
        stem = stem[(stem.obs["perturbation"] != f"knockdown {fold.target}").to_numpy()]
    return {"kang": kang, "glioblastoma": patients, "crispri": stem}
