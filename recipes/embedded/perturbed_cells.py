"""Pairs of a control cell and a perturbed cell of the same group: the training data of response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import anndata as ad
import numpy as np

import sc_duality as sd
from recipes.embedded import real_cells
from sc_duality.tasks import Perturbation

KNOCKDOWNS = ("MED12", "SRC", "STAT1", "TET1", "TMSB4X")
PERTURBATIONS = (
    real_cells.CONTROL,
    real_cells.INTERFERON,
    real_cells.PANOBINOSTAT,
    *(Perturbation("knockdown", target) for target in KNOCKDOWNS),
)
#: Share of pairs of two control cells.
CONTROL_SHARE = 0.5


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


class Pair(NamedTuple):
    """A control cell and a perturbed cell; two different cells."""

    control: list[str]
    perturbed: list[str]
    perturbation: Perturbation


def perturbed_sets(fold: Fold | None) -> dict[str, ad.AnnData]:
    """The training cells of response by set, without what ``fold`` holds out."""
    kang, patients, stem = real_cells.kang_response(), real_cells.glioblastoma(), real_cells.crispri()
    if fold is not None:
        treated = (kang.obs["perturbation"] != str(real_cells.CONTROL)).to_numpy()
        kang = kang[~(treated & (kang.obs["label"] == fold.label).to_numpy())]
        patients = patients[(patients.obs["donor"] != fold.patient).to_numpy()]
        stem = stem[(stem.obs["perturbation"] != f"knockdown {fold.target}").to_numpy()]
    return {"kang": kang, "glioblastoma": patients, "crispri": stem}


class PerturbedPairs:
    """Samples pairs from several sets: sets and groups have equal probability.

    Parameters
    ----------
    sets
        AnnData with ``obs["group"]`` and ``obs["perturbation"]``.
    n_genes
        Genes in a sentence at most.
    known_genes
        Genes of the model's vocabulary.
    """

    def __init__(self, sets: Sequence[ad.AnnData], n_genes: int, known_genes: frozenset[str]) -> None:
        self.by_name = {str(perturbation): perturbation for perturbation in PERTURBATIONS}
        self.sentences, self.groups = [], []
        for cells in sets:
            ranked = cells.copy()
            sd.pp.cell_sentences(ranked)
            lists = sd.get.gene_lists(ranked)
            self.sentences.append([[gene for gene in genes if gene in known_genes][:n_genes] for genes in lists])
            keys = ["group", "perturbation"]
            members = {name: list(rows) for name, rows in ranked.obs.groupby(keys, observed=True).indices.items()}
            self.groups.append(members)

    def sample(self, rng: np.random.Generator) -> Pair:
        """A pair."""
        chosen = int(rng.integers(len(self.sentences)))
        sentences, groups = self.sentences[chosen], self.groups[chosen]
        control = str(real_cells.CONTROL)
        treated = [key for key in groups if key[1] != control and (key[0], control) in groups]
        group, name = treated[rng.integers(len(treated))]
        if rng.random() < CONTROL_SHARE:
            name = control
        unperturbed = rng.choice(groups[group, control])
        perturbed = rng.choice(groups[group, name])
        return Pair(sentences[unperturbed], sentences[perturbed], self.by_name[name])

    def sample_cell(self, index: int, rng: np.random.Generator) -> tuple[list[str], bool]:
        """A cell of the set at ``index`` and whether it was treated; both have equal probability."""
        groups = self.groups[index]
        treated = bool(rng.random() < 0.5)
        keys = [key for key in groups if (key[1] != str(real_cells.CONTROL)) == treated]
        return self.sentences[index][rng.choice(groups[keys[rng.integers(len(keys))]])], treated
