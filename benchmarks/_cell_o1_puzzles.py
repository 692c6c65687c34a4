"""Puzzles of the paper's order in small: answers of a model, scores of each puzzle, and intervals over puzzles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

import sc_duality as sd
from benchmarks import _library as library
from sc_duality.examples import ModelCells, build
from sc_duality.metrics import puzzle_scores
from sc_duality.models import SamplingParams
from sc_duality.tasks import Failure, JointAnnotation, LabelExample, Question, TrainingExample

#: Scores of a puzzle, in this order.
SCORES = ("cell", "batch", "format", "uniqueness")
_N_RESAMPLED = 2000


def puzzles(cells: ad.AnnData, model: Path, n: int, n_cells: int, seed: int) -> list[TrainingExample]:
    """``n`` puzzles of cells of one donor each, with the true labels."""
    task = JointAnnotation(truth="cell_type", groupby=["donor"], n_cells=n_cells)
    examples = build(task, ModelCells(cells, sd.models.resolve(model)))
    return examples.unlabelled(n, np.random.default_rng(seed), with_truth=True)


def joint_scores(model: library.LanguageModel, tests: Sequence[TrainingExample]) -> NDArray[np.float64]:
    """Scores of the greedy answer to each puzzle, (n_puzzles, 4).

    The format is right where every candidate is used once. Cell accuracy and uniqueness also count the labels of
    other answers, if they are as many as cells.
    """
    questions = [one.question() for one in tests]
    n_tokens = max(one.answer_type.n_tokens for one in questions)
    texts = model.generate([one.prompt for one in questions], SamplingParams(max_tokens=n_tokens))
    return np.array([_scores(one, text or "") for one, text in zip(questions, texts, strict=True)])


def _scores(question: Question, text: str) -> list[float]:
    labels = text.replace("_", " ").split(" | ")
    valid = not isinstance(question.parse(text), Failure)
    return _puzzle(list(question.target), labels if len(labels) == len(question.target) else None, valid)


def cell_scores(
    model: library.LanguageModel, tests: Sequence[TrainingExample], *, jointly: bool
) -> NDArray[np.float64]:
    """The same of labels by the probabilities of single cells: the likeliest candidate, or the likeliest assignment."""
    labels = library.labels_of(model)
    task = library.annotation_task(model)
    questions = [
        task.question(LabelExample(genes=genes, options=tuple(labels))) for one in tests for genes in one.example.cells
    ]
    table = iter(model.score([one.prompt for one in questions], questions[0].completions()))
    scores = []
    for one in tests:
        options, truth = one.example.options, list(one.example.truth)
        columns = [labels.index(label) for label in options]
        values = np.array([next(table)[columns] for _ in truth])
        best = linear_sum_assignment(-values)[1] if jointly else values.argmax(1)
        chosen = [options[i] for i in best]
        scores.append(_puzzle(truth, chosen, len(set(chosen)) == len(chosen)))
    return np.array(scores)


def _puzzle(truth: list[str], labels: list[str] | None, valid: bool) -> list[float]:
    found = puzzle_scores([truth], [labels])
    return [found["cell_accuracy"], found["batch_accuracy"], float(valid), found["uniqueness"]]


def interval(values: NDArray[np.float64]) -> list[float]:
    """95 % interval of a mean by bootstrap over puzzles."""
    rng = np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(_N_RESAMPLED)]
    return [round(float(edge), 4) for edge in np.quantile(means, (0.025, 0.975))]
