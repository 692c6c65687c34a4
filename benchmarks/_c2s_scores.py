"""Scores of a model on the test examples of a task, by the paper's metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks._c2s_baselines import GeneFrequency
from benchmarks._c2s_examples import Cells, as_cells, true_cells
from sc_duality.metrics import gene_overlap
from sc_duality.models import LanguageModel, SamplingParams
from sc_duality.tasks import Answer, GeneList, TrainingExample

Examples = Sequence[TrainingExample]


def answers(model: LanguageModel, test: Examples) -> list[Any]:
    """The answer to each example, ``None`` where it cannot be read.

    The most likely option where all can be scored, else a completion at temperature 0, as in C2S-Scale §4.5.
    """
    questions = [one.question() for one in test]
    if all(question.answer_type.options for question in questions):
        same = len({tuple(question.completions()) for question in questions}) == 1
        groups = [questions] if same else [[question] for question in questions]
        scored = [(group, model.score([one.prompt for one in group], group[0].completions())) for group in groups]
        return [group[0].answer_type.options[i] for group, scores in scored for i in scores.argmax(axis=1)]
    tokens = model.spec.max_new_tokens(max(question.answer_type.n_tokens for question in questions) + 1)
    unique = isinstance(questions[0].answer_type, GeneList)
    texts = model.generate([one.prompt for one in questions], SamplingParams(max_tokens=tokens, unique=unique))
    found = [None if text is None else question.parse(text) for question, text in zip(questions, texts, strict=True)]
    return [one.value if isinstance(one, Answer) else None for one in found]


def exact(test: Examples, predicted: Sequence[Any]) -> float:
    """Share of the answers that are right."""
    return float(np.mean([answer == one.example.truth for one, answer in zip(test, predicted, strict=True)]))


def jaccard(test: Examples, predicted: Sequence[Any]) -> float:
    """Mean Jaccard index of true and predicted sets of labels."""
    pairs = [(set(one.example.truth), set(answer or ())) for one, answer in zip(test, predicted, strict=True)]
    return float(np.mean([len(true & found) / len(true | found) for true, found in pairs]))


def overlap(test: Examples, predicted: Sequence[Any]) -> float:
    """Percentage of the genes of each true cell that the generated cell has (C2S-Scale §4.5.1), cell by cell.

    Cells of a sample are compared in order; a cell that was not generated counts 0, and no answer may have more genes
    than the true one.
    """
    return 100 * float(
        np.mean([_overlap(true_cells(one), as_cells(answer)) for one, answer in zip(test, predicted, strict=True)])
    )


def _overlap(true: Cells, found: Cells) -> float:
    cells = [*found[: len(true)], *[()] * (len(true) - len(found))]
    return gene_overlap(true, [genes[: len(of)] for genes, of in zip(cells, true, strict=True)])


def nats(model: LanguageModel, test: Examples) -> float:
    """Negative log-likelihood of the true cells by gene."""
    questions = [one.question() for one in test]
    texts = [question.completion(question.target) for question in questions]
    total = -np.sum(model.likelihood([question.prompt for question in questions], texts))
    return float(total / sum(len(cell) for one in test for cell in true_cells(one)))


def frequency_nats(training: Examples, test: Examples) -> float:
    """The same by the frequency of genes in training cells."""
    genes = GeneFrequency(cell for one in training for cell in true_cells(one))
    cells = [cell for one in test for cell in true_cells(one)]
    return sum(map(genes.nats, cells)) / sum(map(len, cells))


def continued(model: LanguageModel, training: Examples, test: Examples) -> tuple[float, float]:
    """Overlap in percent of the second half of a cell, or of the cells of a sample, after the first half.

    By the model at temperature 0, without the genes that it was shown of this cell, and by the most frequent other
    genes.
    """
    whole = not isinstance(test[0].question().answer_type, GeneList)
    parts = [_halves(one, whole=whole) for one in test if len(true_cells(one)) > 1 or not whole]
    prompts = [f"{prompt} {' | '.join(map(' '.join, first))}{' |' * whole}" for prompt, first, _ in parts]
    most = max(len(prompt.split()) + sum(map(len, rest)) for prompt, (_, _, rest) in zip(prompts, parts, strict=True))
    texts = model.generate(prompts, SamplingParams(max_tokens=most, unique=not whole))
    frequent = GeneFrequency(cell for one in training for cell in true_cells(one))
    scores = []
    for (_, first, rest), text in zip(parts, texts, strict=True):
        shown: set[str] = set() if whole else set(first[0])
        cells = [dict.fromkeys(gene for gene in cell.split() if gene not in shown) for cell in (text or "").split("|")]
        constant = tuple(frequent.top(len(cell), shown) for cell in rest)
        scores.append((_overlap(rest, tuple(map(tuple, cells))), _overlap(rest, constant)))
    by_model, by_frequency = 100 * np.mean(scores, axis=0)
    return float(by_model), float(by_frequency)


def _halves(one: TrainingExample, *, whole: bool) -> tuple[str, Cells, Cells]:
    """The prompt, and the cells, or the genes of the only cell, that it is continued by and that are to be found."""
    cells = true_cells(one)
    half = len(cells if whole else cells[0]) // 2
    first, rest = (cells[:half], cells[half:]) if whole else ((cells[0][:half],), (cells[0][half:],))
    return one.question().prompt, first, rest
