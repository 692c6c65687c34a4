"""Rewards that the ablation compares with duality: additions to it and to the named controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from benchmarks import _library as library
from recipes.embedded.sentences import label_example
from sc_duality.metrics import rank_weighted_jaccard
from sc_duality.rewards import read_answers
from sc_duality.tasks import LabelExample, Question


def label_scores(
    model: library.LanguageModel, cells: Sequence[Sequence[str]], labels: Sequence[str]
) -> NDArray[np.float64]:
    """Log-probability of each label for each cell, (n_cells, n_labels)."""
    questions, completions = library.annotation_questions(model, cells, labels)
    return log_softmax(model.score([question.prompt for question in questions], completions), axis=1)


def dual_scores(
    model: library.LanguageModel, cells: Sequence[Sequence[str]], labels: Sequence[str]
) -> NDArray[np.float64]:
    """Log-probability of each label by the dual alone, with all genes of the cell hidden, (n_cells, n_labels)."""
    task, rows = library.annotation_task(model), []
    for genes in cells:
        example = label_example(genes, labels, hidden_fraction=1.0, label_only=True)
        duals = [dual for label in labels if (dual := task.dual(example, label)) is not None]
        rows.append(model.likelihood([dual.prompt for dual in duals], [dual.completion(dual.target) for dual in duals]))
    return log_softmax(np.array(rows) / model.spec.dual_temperature, axis=1)


class PosteriorWithPrior:
    """The posterior of a label: the model's probability before alignment times that of the dual."""

    __name__ = "posterior_with_prior"

    def __init__(self, model: library.LanguageModel, labels: Sequence[str]) -> None:
        self.model, self.labels = model, list(labels)

    def __call__(
        self, completions: Sequence[Any], question: Sequence[Question], example: Sequence[LabelExample], **_: Any
    ) -> list[float]:
        cells = list(dict.fromkeys(one.genes for one in example))
        prior = label_scores(self.model, cells, self.labels) / self.model.spec.temperature
        joint = log_softmax(prior + dual_scores(self.model, cells, self.labels), axis=1)
        posterior = dict(zip(cells, np.exp(joint), strict=True))
        answers = read_answers(completions, question)
        return [
            0.0 if answer is None else float(posterior[one.genes][self.labels.index(answer.value)])
            for one, answer in zip(example, answers, strict=True)
        ]


class Realism:
    """Similarity of a generated cell to the most similar of some unlabelled real cells of its type.

    The type of the real cells is the model's prediction before alignment.
    """

    __name__ = "realism"

    def __init__(
        self, model: library.LanguageModel, cells: Sequence[Sequence[str]], labels: Sequence[str], seed: int,
        n_cells: int = 16,
    ) -> None:  # fmt: skip
        predicted = label_scores(model, cells, labels).argmax(1)
        self.cells = {label: [cells[i] for i in np.flatnonzero(predicted == j)] for j, label in enumerate(labels)}
        self.rng, self.n_cells = np.random.default_rng(seed), n_cells

    def __call__(
        self, completions: Sequence[Any], question: Sequence[Question], example: Sequence[Any], **_: Any
    ) -> list[float]:
        rewards = []
        for one, answer in zip(example, read_answers(completions, question), strict=True):
            cells = self.cells[one.cell_type]
            sampled = self.rng.choice(len(cells), min(self.n_cells, len(cells)), replace=False) if cells else ()
            generated = () if answer is None else answer.value
            similarity = (rank_weighted_jaccard(cells[i], generated) for i in sampled)
            rewards.append(max(similarity, default=0.0))
        return rewards


class UniqueGenes:
    """Distinct genes of a generated cell over all its genes."""

    __name__ = "unique_genes"

    def __call__(self, completions: Sequence[str], **_: Any) -> list[float]:
        return [len(set(text.split())) / max(1, len(text.split())) for text in completions]
