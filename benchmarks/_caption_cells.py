"""Groups of cells with reference captions, questions and keywords: cells of one type of one donor.

Captions quote the Cell Ontology (``pp.reference_captions``), with tissue and markers computed from the cells. The test
groups are of held-out donors (``_c2s_cells``). Half of the other donors teach captions, and the rest are for GRPO, so
that its reward is for groups whose captions were not learned.
"""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from benchmarks._c2s_cells import Split

#: Cells of a group at least; markers in a caption; words of the first sentence of a definition in an answer at most.
MIN_CELLS, N_MARKERS, MAX_LENGTH = 10, 4, 40
TYPE, TISSUE, FUNCTION = (
    "Which cell type are these cells?",
    "From which tissue are these cells?",
    "What is known of cells of this type?",
)


class Described(NamedTuple):
    """Cells with ``obs["group"]``, and the reference texts of their groups."""

    cells: ad.AnnData
    #: One row a group: ``text``, ``cell_type``, ``markers``; see :func:`sc_duality.pp.reference_captions`.
    captions: pd.DataFrame
    #: The columns ``group``, ``question``, ``answer``.
    answers: pd.DataFrame

    def keywords(self, question: str | None = None) -> dict[str, list[str]]:
        """What the text of each group has to name: of captions cell type, tissue and markers; of answers their own."""
        rows = {str(name): row for name, row in self.captions.iterrows()}
        tissue = tissues(self.cells)
        if question is None:
            return {name: [row["cell_type"], tissue[name], *row["markers"].split()] for name, row in rows.items()}
        named = {TYPE: lambda name: [rows[name]["cell_type"]], TISSUE: lambda name: [tissue[name]]}
        return {name: named[question](name) if question in named else [] for name in rows}

    def truths(self, question: str | None = None) -> dict[str, str]:
        """The reference text of each group."""
        if question is None:
            return self.captions["text"].to_dict()
        rows = self.answers[self.answers["question"] == question]
        return dict(zip(rows["group"], rows["answer"], strict=True))


def described(cells: ad.AnnData) -> Described:
    """The cells with their groups, and the references."""
    cells = cells[cells.obs["label"].notna().to_numpy()].copy()
    group = cells.obs["donor"].astype(str) + ": " + cells.obs["label"].astype(str)
    cells = cells[group.map(group.value_counts()).to_numpy() >= MIN_CELLS].copy()
    cells.obs["group"] = group[cells.obs_names]
    captions = sd.pp.reference_captions(cells, "group", "label", tissue="tissue", n_markers=N_MARKERS)
    tissue, rows = tissues(cells), []
    for name, row in captions.iterrows():
        first = first_sentence(row["text"].split(". ", 1)[1])
        kind = row["cell_type"]
        rows += [
            (name, TYPE, f"The cells are most likely of the type {kind}."),
            (name, TISSUE, f"The cells are most likely from the {tissue[str(name)]}."),
            (name, FUNCTION, f"{first[:1].upper()}{first[1:]}"),
        ]
    return Described(cells, captions, pd.DataFrame(rows, columns=["group", "question", "answer"]))


def first_sentence(text: str) -> str:
    """The first sentence, cut after ``MAX_LENGTH`` words."""
    kept = text.split(". ", 1)[0].rstrip(".").split()[:MAX_LENGTH]
    return f"{' '.join(kept)}."


def tissues(cells: ad.AnnData) -> dict[str, str]:
    """The tissue of each group."""
    return cells.obs.groupby("group", observed=True)["tissue"].first().astype(str).to_dict()


def halves(split: Split, seed: int) -> tuple[Described, Described, Described]:
    """For supervised training, for GRPO, and test: donors of every tissue are dealt to the first two in turn."""
    donors = split.train.obs.groupby("tissue", observed=True)["donor"].unique()
    rng = np.random.default_rng(seed)
    rewarded = {name for names in donors for name in rng.permutation(sorted(names))[1::2]}
    second = split.train.obs["donor"].isin(rewarded).to_numpy()
    return described(split.train[~second]), described(split.train[second]), described(split.test)
