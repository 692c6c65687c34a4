"""Query a model for one of several labels of every cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ..cells import adata_keys
from ..duality import Duality, best_by_duality
from ..examples import LabelExamples, cell_rng
from ..models import LanguageModel, ReferenceClassifier, Sampling
from ..tasks import Question
from ._blocks import blocks
from ._label_arguments import Method
from ._label_predictions import LabelPredictions
from ._reasoning_table import Shown
from ._text_answers import AnswerTable, TextAnswer, generate_answers, samples_status


def predict_labels(
    model: LanguageModel,
    examples: LabelExamples,
    method: Method,
    sampling: Sampling,
    seed: int,
    classifier: ReferenceClassifier | None = None,
    *,
    answers: AnswerTable,
    vote: bool = False,
) -> LabelPredictions:
    """Query the model about every cell, block by block.

    Parameters
    ----------
    model
        The model.
    examples
        The cells as examples of the task.
    method
        ``"score"``: log-likelihood of every label. ``"generate"``: read a label from generated text. ``"choose"``:
        generate one of the labels.
    sampling
        With ``n_samples`` above 1, the sample with the best duality score is kept.
    seed
        Seed of sampling.
    classifier
        Reference classifier, whose probabilities are averaged with the model's.
    answers
        Gets the generated texts.
    vote
        Whether all samples are kept as votes, not the best one by its duality score.
    """
    n, n_labels = len(examples.cells), len(examples.options)
    further = None if classifier is None or classifier.genes is None else examples.cells.with_genes(classifier.genes)
    scored = method == "score"
    empty = partial(
        LabelPredictions.empty,
        n_labels=n_labels,
        status=adata_keys.NO_GENES,
        scored=scored,
        in_distribution=classifier is not None,
        n_votes=sampling.n_samples if vote and not scored else 0,
    )
    predictions = empty(n)
    prompts_per_cell = sampling.n_samples * n_labels if sampling.n_samples > 1 else 1
    for rows in blocks(n, examples.task.name, prompts_per_cell):
        cells = examples.predict(rows)
        found = empty(len(cells))
        found.status[:] = examples.cells.status[rows]
        readable = np.array([i for i, example in enumerate(cells) if example is not None], dtype=int)
        questions = [examples.task.question(cells[i]) for i in readable]
        samples = np.full((len(cells), sampling.n_samples), -1)
        if scored and len(readable):
            shown = [one.genes for one in cells if one is not None]
            genes = shown if further is None else [further.genes(rows)[i] for i in readable]
            found = _score(model, examples, questions, genes, readable, found, classifier)
        elif len(readable):
            none = _none_of_these(model, examples)
            texts = generate_answers(model, questions, method, sampling, seed, none)
            written = _written_names(examples)
            names = examples.cells.names[rows][readable]
            labels = {option: written(option) for option in examples.model_options}
            genes = [one.genes for one in cells if one is not None]
            prompts = [Shown({str(name): shown}, labels) for name, shown in zip(names, genes, strict=True)]
            answers.add(names, texts, written, prompts)
            samples[readable], found.status[readable] = _labels(examples, texts)
            found = found._replace(best=samples[:, 0])
        if found.votes is not None:
            first = (samples >= 0).argmax(axis=1)
            found.votes[:] = samples
            found = found._replace(best=samples[np.arange(len(samples)), first])
        elif sampling.n_samples > 1:
            if found.probability is not None:
                samples = _sample_labels(found.probability, examples.cells.names[rows], sampling.n_samples, seed)
            found = found.choose(_best_sample(model, examples, rows, samples, seed))
        for own, values in zip(predictions, found, strict=True):
            if own is not None and values is not None:
                own[rows] = values
    return predictions.merge(examples.label_of_option, keep_best=not scored or sampling.n_samples > 1)


def _none_of_these(model: LanguageModel, examples: LabelExamples) -> str:
    """What the model writes where none of the labels is right; empty for a model that was not trained to."""
    return str(model.spec.known(examples.task.name, "none_of_these", ""))


def _score(
    model: LanguageModel,
    examples: LabelExamples,
    questions: Sequence[Question],
    genes: Sequence[Sequence[str]],
    readable: NDArray[np.int64],
    found: LabelPredictions,
    classifier: ReferenceClassifier | None,
) -> LabelPredictions:
    """Choose the most probable label of each cell; ``genes`` are those of each cell that the classifier reads."""
    probability = label_probabilities(model, examples, questions, genes, classifier)
    answered = np.asarray(~np.isnan(probability).any(axis=1))
    found.status[readable] = np.where(answered, adata_keys.OK, adata_keys.NOT_ANSWERED)
    probability, readable = probability[answered], readable[answered]
    if len(readable) and found.probability is not None:
        if classifier is not None and found.in_distribution is not None:
            shown = [cell for cell, kept in zip(genes, answered, strict=True) if kept]
            found.in_distribution[readable] = classifier.in_distribution_probability(shown)
        found.probability[readable] = probability
        found.best[readable] = probability.argmax(1)
    return found.choose(found.best)


def label_probabilities(
    model: LanguageModel,
    examples: LabelExamples,
    questions: Sequence[Question],
    genes: Sequence[Sequence[str]],
    classifier: ReferenceClassifier | None,
) -> NDArray[np.float64]:
    """Probability of every label for each cell, (n_cells, n_labels); NaN where there is no answer.

    Compares the log-likelihoods of all labels after each of ``questions``, and of none of them, and averages with the
    reference classifier, which reads ``genes``.
    """
    scores = label_log_likelihoods(model, examples, questions)
    return probabilities_of(scores, model.spec.temperature, examples, genes, classifier)


def probabilities_of(
    scores: NDArray[np.float64],
    temperature: float,
    examples: LabelExamples,
    genes: Sequence[Sequence[str]],
    classifier: ReferenceClassifier | None,
) -> NDArray[np.float64]:
    """Probability of every label from the log-likelihoods of those that the model can write, (n_cells, n_labels)."""
    answered = np.asarray(~np.isnan(scores).any(axis=1))
    known = np.isin(examples.options, examples.model_options)
    found = np.full((len(scores), len(known)), np.nan)
    if known.any():
        found[:, known] = softmax(scores / temperature, axis=1)[:, : known.sum()]
    found[~answered] = np.nan
    if classifier is not None and answered.any():
        shown = [cell for cell, kept in zip(genes, answered, strict=True) if kept]
        found[answered] = classifier.ensemble_probabilities(found[answered], shown, examples.options)
    return found


def label_log_likelihoods(
    model: LanguageModel, examples: LabelExamples, questions: Sequence[Question]
) -> NDArray[np.float64]:
    """Log-likelihoods of the labels that the model can write, and of none of them; nothing if it can write none."""
    if not examples.model_options:
        return np.zeros((len(questions), 0))
    none = _none_of_these(model, examples)
    completions = questions[0].completions() + ([questions[0].template.write(none)] if none else [])
    return model.score([question.prompt for question in questions], completions)


def _written_names(examples: LabelExamples) -> Callable[[Any], str]:
    """How the model's own labels are written into ``obs``."""
    names = list(examples.labels)
    written = {option: names[i] for option, i in zip(examples.options, examples.label_of_option, strict=True)}
    return written.__getitem__


def _labels(
    examples: LabelExamples, texts: Sequence[Sequence[TextAnswer]]
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Index of the label in each generated text, (n, n_samples), −1 where it cannot be read; and a status a cell.

    A cell with a missing answer was not answered, so that the rest of a run does not depend on what failed in it.
    """
    index = {option: i for i, option in enumerate(examples.options)}
    labels = np.array([[-1 if one.value is None else index[one.value] for one in samples] for samples in texts])
    status = np.array([samples_status(samples) for samples in texts], dtype=object)
    labels[status == adata_keys.NOT_ANSWERED] = -1
    return labels, status


def _sample_labels(probability: NDArray[np.float64], names: Sequence[Any], n: int, seed: int) -> NDArray[np.int64]:
    """(n_obs, n): labels sampled from each cell's probabilities, −1 where there are none."""
    samples = np.full((len(probability), n), -1)
    for i in np.flatnonzero(~np.isnan(probability).any(axis=1)):
        among_labels = probability[i] / probability[i].sum()  # without that of none of them
        samples[i] = cell_rng(seed, "draw", names[i]).choice(len(among_labels), n, p=among_labels)
    return samples


def _best_sample(
    model: LanguageModel, examples: LabelExamples, rows: slice, samples: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """The label in each row of ``samples`` with the best duality score; −1 where one could not be scored."""
    answers = [[examples.options[i] if i >= 0 else None for i in row] for row in samples]
    best = best_by_duality(model, examples.task, examples.with_hidden(rows, seed), answers, Duality(), seed)
    return np.where(best < 0, -1, samples[np.arange(len(samples)), best])
