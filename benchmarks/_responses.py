"""Pairs of a control cell and a treated cell of the same group: what response is learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks import _cells
from sc_duality.tasks import Perturbation

KNOCKDOWNS = ("MED12", "SRC", "STAT1", "TET1", "TMSB4X")
PERTURBATIONS = (
    _cells.CONTROL,
    _cells.INTERFERON,
    _cells.PANOBINOSTAT,
    *(Perturbation("knockdown", target) for target in KNOCKDOWNS),
)
#: Share of pairs in which nothing was done.
UNTREATED = 0.5


class Fold(NamedTuple):
    """What one evaluation of response leaves out of training: three things at once, of three sets."""

    #: Type whose interferon-treated cells are left out.
    label: str
    #: Patient of whom every cell is left out.
    patient: str
    #: Gene whose knockdown is left out.
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
    """A cell without and a cell with the perturbation; two different cells."""

    before: list[str]
    after: list[str]
    perturbation: Perturbation


def perturbed_sets(fold: Fold | None) -> dict[str, ad.AnnData]:
    """The perturbed cells to learn from, without what ``fold`` leaves out."""
    kang, patients, stem = _cells.kang_response(), _cells.glioblastoma(), _cells.crispri()
    if fold is not None:
        treated = (kang.obs["perturbation"] != str(_cells.CONTROL)).to_numpy()
        kang = kang[~(treated & (kang.obs["label"] == fold.label).to_numpy())]
        patients = patients[(patients.obs["donor"] != fold.patient).to_numpy()]
        stem = stem[(stem.obs["perturbation"] != f"knockdown {fold.target}").to_numpy()]
    return {"kang": kang, "glioblastoma": patients, "crispri": stem}


class Responses:
    """Pairs drawn from several sets, each as often as any other, and their groups likewise.

    Parameters
    ----------
    sets
        AnnData with ``obs["group"]`` and ``obs["perturbation"]``.
    n_genes
        Genes in a sentence at most.
    known
        Genes that the model reads.
    """

    def __init__(self, sets: Sequence[ad.AnnData], n_genes: int, known: frozenset[str]) -> None:
        self.by_name = {str(one): one for one in PERTURBATIONS}
        self.sentences, self.groups = [], []
        for cells in sets:
            ranked = cells.copy()
            sd.pp.cell_sentences(ranked)
            lists = sd.get.gene_lists(ranked)
            self.sentences.append([[gene for gene in genes if gene in known][:n_genes] for genes in lists])
            keys = ["group", "perturbation"]
            members = {name: list(rows) for name, rows in ranked.obs.groupby(keys, observed=True).indices.items()}
            self.groups.append(members)

    def draw(self, rng: np.random.Generator) -> Pair:
        """One pair."""
        chosen = int(rng.integers(len(self.sentences)))
        sentences, groups = self.sentences[chosen], self.groups[chosen]
        control = str(_cells.CONTROL)
        treated = [key for key in groups if key[1] != control and (key[0], control) in groups]
        group, name = treated[rng.integers(len(treated))]
        if rng.random() < UNTREATED:
            name = control
        before = rng.choice(groups[group, control])
        after = rng.choice(groups[group, name])
        return Pair(sentences[before], sentences[after], self.by_name[name])

    def cell(self, which: int, rng: np.random.Generator) -> tuple[list[str], bool]:
        """A cell of set ``which`` and whether it was treated, both kinds alike often."""
        groups = self.groups[which]
        treated = bool(rng.random() < 0.5)
        keys = [key for key in groups if (key[1] != str(_cells.CONTROL)) == treated]
        return self.sentences[which][rng.choice(groups[keys[rng.integers(len(keys))]])], treated
