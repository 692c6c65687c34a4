"""C2S-Scale, table 1: its pretraining tasks, as far as one data set has what they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sc_duality as sd
from benchmarks._c2s_baselines import frequency_of_condition, majority
from benchmarks._c2s_examples import examples
from benchmarks._c2s_scores import Examples, answers, exact, overlap
from benchmarks._paper_c2s import SEED, immune_split
from benchmarks._paper_data import PaperData
from benchmarks._paper_table import PaperTable, Scores, Setting, Split
from sc_duality.models import LanguageModel, ModelSpec

OVERLAP, EXACT = "Overlap %", "exact (%)"
#: Test examples of a task: five of each of ten data sets in the paper.
N_EXAMPLES, N_TRAINING = 50, 1000
_SAMPLE: dict[str, Any] = {"groupby": "sample", "n_cells": 3, "n_genes": 50}


@dataclass(frozen=True)
class TaskPart:
    """A task of table 1.

    Parameters
    ----------
    title
        Name in the table.
    task
        Name of the task in the package.
    truth
        Column with what is predicted, or generated from.
    sample
        Whether it is about several cells of a donor and tissue.
    cells
        Whether its answers are cells.
    """

    title: str
    task: str
    truth: str
    sample: bool = False
    cells: bool = False
    data: str = "dominguez_conde2022"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Gene overlap, or exact accuracy."""
        return (OVERLAP,) if self.cells else (EXACT,)

    def split(self, data: PaperData, setting: Setting) -> Split:
        """Random cells; the sample of a cell is its donor and tissue."""
        split = immune_split(data, setting, ("tissue", "donor"))
        for cells in split:
            cells.obs["sample"] = cells.obs["donor"].str.cat(cells.obs["tissue"], sep=", ")
            sd.pp.cell_sentences(cells)
        return split

    def model_scores(self, split: Split, model: LanguageModel, setting: Setting) -> Scores:
        """Answers at temperature 0."""
        test = self._examples(split, model.spec, setting)
        return self._score(test, answers(model, test))

    def baseline_scores(self, split: Split, setting: Setting) -> Mapping[str, Scores]:
        """The most frequent genes of the condition, or the most frequent answer, in training examples."""
        spec = ModelSpec(name="baseline", source="baseline")
        test = self._examples(split, spec, setting)
        training = examples(self.task, self._settings(split), split.train, spec, N_TRAINING, SEED + 1)
        if self.cells:
            return {"most frequent genes": self._score(test, frequency_of_condition(training, test, SEED))}
        return {"most frequent answer": self._score(test, majority(training, test, SEED))}

    def _examples(self, split: Split, spec: ModelSpec, setting: Setting) -> Examples:
        n = min(N_EXAMPLES, setting.max_cells or N_EXAMPLES)
        return examples(self.task, self._settings(split), split.test, spec, n, SEED)

    def _settings(self, split: Split) -> dict[str, Any]:
        found: dict[str, Any] = {"truth": self.truth, **(_SAMPLE if self.sample else {})}
        if not self.cells:
            found["labels"] = sorted(split.train.obs[self.truth].unique())
        return found

    def _score(self, test: Examples, predicted: Any) -> Scores:
        if self.cells:
            return {OVERLAP: overlap(test, predicted)}
        return {EXACT: 100 * exact(test, predicted)}


TABLE = PaperTable(
    "c2s-1",
    "six of the twelve tasks of table 1, on Immune 1",
    (
        TaskPart("Cell type annotation", "annotation", "cell_type"),
        TaskPart("Conditional cell generation", "generation", "cell_type", cells=True),
        TaskPart("Tissue sample annotation", "tissue", "tissue", sample=True),
        TaskPart("Sample cell type(s) annotation", "sample_cell_types", "cell_type", sample=True),
        TaskPart("Conditional sample generation (tissue)", "sample_by_tissue", "tissue", sample=True, cells=True),
        TaskPart("Conditional sample generation (cell type)", "sample_by_cell_types", "cell_type", True, True),
    ),
    (
        f"{N_EXAMPLES} random test examples of a task (the paper: 5 of each of 10 data sets), answers at temperature "
        "0. Samples: 3 cells of a donor and tissue, 50 genes each. --max-cells: most test cells, and examples.",
        "Overlap: percentage of the genes of the true cell that the generated cell has (section 4.5.1).",
    ),
    (
        "BERTScore of labels, whose encoder is not stated: all labels here are of one data set and spelled alike, so "
        "that a label counts if it is exactly the true one (sd.metrics.bert_score has the score)",
        "the ten data sets of the evaluation: the paper does not name them",
        "single and multiple cell language modelling: without a prompt no answer overlaps more with cells than the "
        "most frequent genes (python -m benchmarks.c2s_tasks measures what follows the first half of a cell)",
        "natural language interpretation and generation by abstract: no abstracts come with the cells",
        "gene set enumeration and naming: the gene sets of the paper's test are not stated (python -m "
        "benchmarks.c2s_tasks measures both on held-out GO terms)",
    ),
)
