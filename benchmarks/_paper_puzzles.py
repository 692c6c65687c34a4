"""Cell-o1, tables 2, 3, 11 and 12: puzzles as a whole, by disease, cell by cell, and with free names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from benchmarks._cell_o1_tables import SIMILAR
from benchmarks._paper_data import PaperData
from benchmarks._paper_stated_labels import stated_scores
from benchmarks._paper_table import PaperTable, Scores, Setting, Split
from sc_duality.models import LanguageModel

LENGTH, CELL, BATCH, FORMAT, UNIQUE = "Response Length", "Cell-level Acc", "Batch-level Acc", "Format", "Uniqueness"
MEDCPT = "MedCPT Score"
_NAMES = {
    "response_length": LENGTH,
    "cell_accuracy": CELL,
    "batch_accuracy": BATCH,
    "format_validity": FORMAT,
    "uniqueness": UNIQUE,
    "semantic_similarity": MEDCPT,
}
#: Puzzles of table 11, and the longest completion: prompts of 3,072 and responses of 3,000 tokens (appendix B.3).
N_TABLE_11, MAX_TOKENS = 89, 3000
Query = Callable[[ad.AnnData, LanguageModel, Setting], ad.AnnData]


class _Options(NamedTuple):
    """What every call of a puzzle shares."""

    method: Any
    context: list[str]
    sampling: sd.Sampling


def _options(puzzles: ad.AnnData, setting: Setting) -> _Options:
    method = setting.method or "generate"
    context = [] if method == "score" else [str(name) for name in puzzles.uns["cell_puzzles"]["context"]]
    return _Options(method, context, sd.Sampling(max_tokens=setting.max_tokens or MAX_TOKENS))


def whole_puzzles(puzzles: ad.AnnData, model: LanguageModel, setting: Setting) -> ad.AnnData:
    """All cells of a puzzle in one prompt, with its candidates."""
    options = _options(puzzles, setting)
    sd.tl.annotate(puzzles, model, unique="puzzle", labels="candidate", rng=setting.seed, **options._asdict())
    return puzzles


def cell_by_cell(puzzles: ad.AnnData, model: LanguageModel, setting: Setting) -> ad.AnnData:
    """Each cell in a prompt of its own, with the candidates of its puzzle."""
    options, parts = _options(puzzles, setting), []
    for rows in puzzles.obs.groupby("puzzle", observed=True, sort=False).indices.values():
        part = puzzles[rows].copy()
        unknown = {"unknown": 0.0} if options.method == "score" else {}
        sd.tl.annotate(part, model, labels="candidate", rng=setting.seed, **unknown, **options._asdict())
        parts.append(part)
    alone = ad.concat(parts)
    alone.uns = {"cell_puzzles": puzzles.uns["cell_puzzles"], "annotation": {}}
    answers = [part.uns["annotation"]["answers"] for part in parts if "answers" in part.uns["annotation"]]
    if answers:
        alone.uns["annotation"]["answers"] = pd.concat(answers, ignore_index=True)
    return alone


def free_names(puzzles: ad.AnnData, model: LanguageModel, setting: Setting) -> ad.AnnData:
    """All cells of a puzzle in one prompt, without candidates."""
    options = _options(puzzles, setting)
    sd.tl.annotate(puzzles, model, unique="puzzle", rng=setting.seed, **options._asdict())
    return puzzles


@dataclass(frozen=True)
class PuzzlePart:
    """Puzzles, and how they are put to a model.

    Parameters
    ----------
    title
        Name in the paper.
    query
        How labels are predicted.
    n_puzzles
        The first so many; all by default.
    disease
        Value of ``obs["disease"]``, whose puzzles are taken.
    similar
        Whether names are compared by their embeddings, with ``--encoder``; with free names they also count by them.
    """

    title: str = "CellPuzzles"
    query: Query = whole_puzzles
    metrics: tuple[str, ...] = (LENGTH, CELL, BATCH, FORMAT, UNIQUE)
    n_puzzles: int | None = None
    disease: str | None = None
    similar: bool = False
    data: str = "cell_puzzles"

    def split(self, data: PaperData, setting: Setting) -> Split:
        """The published test puzzles, or those of a file; baselines need no training cells."""
        puzzles = _read(data)
        if self.disease is not None:
            puzzles = _of_disease(puzzles, self.disease)
        names = puzzles.obs["puzzle"].astype(str)
        limits = [n for n in (self.n_puzzles, setting.max_cells) if n is not None]
        kept = names.isin(names.unique()[: min(limits)]) if limits else np.ones(len(names), dtype=bool)
        return Split(puzzles[:0].copy(), puzzles[np.asarray(kept)].copy())

    def model_scores(self, split: Split, model: LanguageModel, setting: Setting) -> Scores:
        """Means over puzzles: of what completions state, or of the labels where there is no completion for a puzzle."""
        encoder = sd.models.sentence_encoder(setting.encoder) if self.similar else None
        found = self.query(split.test.copy(), model, setting)
        threshold = SIMILAR if self.query is free_names else None
        if self.query is not cell_by_cell and "answers" in found.uns["annotation"]:
            values = stated_scores(found, encoder, threshold)
        else:
            table = sd.get.puzzle_scores(found, encoder=encoder, threshold=threshold)
            values = table[table["n_cells"] == "all"].set_index("metric")["value"].to_dict()
        return {_NAMES[name]: value for name, value in values.items() if _NAMES[name] in self.metrics}

    def baseline_scores(self, split: Split, setting: Setting) -> Mapping[str, Scores]:
        """Candidates in the order of their list, which is sorted by name."""
        n = split.test.obs.groupby("puzzle", observed=True).size()
        chance = {CELL: float((1 / n).mean()), FORMAT: 1.0, UNIQUE: 1.0}
        return {"chance": chance} if self.query is whole_puzzles else {}


def _read(data: PaperData) -> ad.AnnData:
    files = data.local.get("cell_puzzles")
    if files and files[0].suffix == ".h5ad":
        return ad.read_h5ad(files[0])
    return sd.datasets.cell_puzzles("test", files=files)


def _of_disease(puzzles: ad.AnnData, disease: str) -> ad.AnnData:
    """Puzzles of a disease."""
    if "disease" not in puzzles.obs:
        raise SystemExit(f"the puzzles have no column 'disease': {_NEEDS_FILES}")
    known = puzzles.obs["disease"].astype(str).str.lower()
    chosen = known == disease.lower()
    if not chosen.any():
        raise ValueError(f"the file has no puzzle of {disease!r}; its diseases are {sorted(known.unique())}")
    return puzzles[chosen.to_numpy()].copy()


_NEEDS_FILES = (
    "the published file has puzzles of the training diseases only; build puzzles of breast cancer, melanoma, SLE and "
    'colorectal cancer with sd.pp.cell_puzzles(adata, context=["disease"]), write them as h5ad and pass the file'
)
_HOW = (
    "Each score is the mean over puzzles; format: share of puzzles whose completion can be read; uniqueness: mean "
    f"share of distinct labels. Completions have {MAX_TOKENS:,} tokens at most (--max-tokens). --max-cells: most "
    "puzzles.",
    "Labels are those that the only answer of a completion states, in the order of the cells; a repeated label counts "
    "where it is right, as uniqueness is a score of its own.",
    "Response length: characters of the completion; the paper does not state its unit.",
    "A model that writes no text is measured with --method score: the assignment of the highest total log-probability.",
    "Chance (ours): expected accuracy of a random order of the candidates.",
)
_NOT = (
    "the human evaluation and figures of reasoning traces",
    "models behind an API at the state of the paper: names such as openai:gpt-4o now mean other versions",
)
_SIMILAR = (LENGTH, CELL, BATCH, FORMAT, MEDCPT)
TABLES = (
    PaperTable("cell-o1-2", "joint annotation of the test puzzles", (PuzzlePart(),), _HOW, _NOT),
    PaperTable(
        "cell-o1-3",
        "joint annotation, four diseases that were not trained on; only with --data",
        tuple(
            PuzzlePart(name, metrics=(CELL, BATCH), disease=name)
            for name in ("Breast Cancer", "Melanoma", "SLE", "Colorectal Cancer")
        ),
        (*_HOW, "A puzzle belongs to the part whose name is its obs['disease'], without regard to case."),
        (
            *_NOT,
            "the 539 puzzles of the paper: they are not published, and the accessions of their four studies are not "
            "stated; sd.pp.cell_puzzles builds puzzles of other studies",
        ),
        needs_files=_NEEDS_FILES,
    ),
    PaperTable(
        "cell-o1-11",
        "cells alone against whole puzzles",
        (
            PuzzlePart("Cell-level", cell_by_cell, n_puzzles=N_TABLE_11),
            PuzzlePart("Batch-level", n_puzzles=N_TABLE_11),
        ),
        (*_HOW, f"The first {N_TABLE_11} test puzzles of the file."),
        (*_NOT, "the 89 puzzles of the paper (991 cells): which ones they are is not stated"),
    ),
    PaperTable(
        "cell-o1-12",
        "names without candidates against names with them",
        (
            PuzzlePart("Open-ended", free_names, _SIMILAR, similar=True),
            PuzzlePart("Constrained", metrics=_SIMILAR, similar=True),
        ),
        (
            *_HOW,
            f"MedCPT Score: mean cosine similarity of the embedded names by --encoder (MedCPT by default, from the "
            f"hub). Open-ended: a name counts from a similarity of {SIMILAR} on.",
        ),
        _NOT,
    ),
)
