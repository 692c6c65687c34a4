"""The duality score of predictions, and the tables behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from ..models import LanguageModel, SamplingParams
from ..rewards import log_likelihood_gain, posterior
from ..tasks import Failure, Question, Task
from ._duality_settings import Duality


def duality_score(
    model: LanguageModel, task: Task, examples: Sequence[Any], answers: Sequence[Any], duality: Duality, seed: int = 0
) -> NDArray[np.float64]:
    """How well each prediction lets ``model`` reconstruct what its example hides.

    Parameters
    ----------
    model
        The model that scores.
    task
        The task, in the prompt format of the model.
    examples
        n examples with something hidden.
    answers
        n predictions in the model's own labels; ``None`` where there is none.
    duality
        Form of the score and number of samples.
    seed
        Seed of the samples.

    Returns
    -------
    float64 (n,); NaN without a prediction, without anything hidden, without a dual task, and where the model gave no
    answer.

    Raises
    ------
    ValueError
        The posterior is not defined for this task: neither the prediction nor the dual target is one of a few options.
        Or a task has a dual of the answer, but none without an answer or of another option, which the form needs.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> model = sd.models.load("embedded")
    >>> genes = ("CD79A", "MS4A1", "CD74", "CD37")
    >>> example = LabelExample(genes=genes, hidden_genes=genes, options=("B cell", "natural killer cell"))
    >>> task = Annotation(prompt_format="compact")
    >>> b_cell, nk_cell = duality_score(model, task, [example] * 2, example.options, sd.Duality())
    >>> bool(b_cell > nk_cell)
    True
    """
    scores = np.full(len(examples), np.nan)
    rows = scorable(examples, answers)
    duals = {i: dual for i in rows if (dual := task.dual(examples[i], answers[i])) is not None}
    if duals:
        chosen = [examples[i] for i in duals], [answers[i] for i in duals]
        scores[list(duals)] = _scores(model, task, *chosen, list(duals.values()), duality, seed)
    return scores


def scorable(examples: Sequence[Any], answers: Sequence[Any]) -> list[int]:
    """Indices of the examples with a prediction and something hidden."""
    pairs = zip(examples, answers, strict=True)
    return [i for i, (example, answer) in enumerate(pairs) if answer is not None and example.has_hidden]


def _scores(
    model: LanguageModel,
    task: Task,
    examples: list[Any],
    answers: list[Any],
    duals: list[Question],
    duality: Duality,
    seed: int,
) -> NDArray[np.float64]:
    if duality.form == "sample":
        return _mean_similarity(model, duals, duality.n_samples, seed)
    if task.dual_answer_type(examples[0]).options is not None:
        return _target_probability(model, duals, duality.form)
    if duality.form == "likelihood":
        return _gain(model, duals, _duals(task, examples, [None] * len(examples)))
    options = [task.answer_type(example).options for example in examples]
    if any(one is None for one in options):
        raise ValueError(
            f"the posterior form of the duality score is not defined for the task {task.name!r} here, whose answers "
            "are too many to list: pass sd.Duality(form='likelihood') or form='sample'"
        )
    chosen = [one.index(answer) for one, answer in zip(options, answers, strict=True)]  # type: ignore[union-attr]
    table = likelihood_by_option(model, task, examples)
    return posterior(table, chosen, temperature=model.spec.dual_temperature)


def _duals(task: Task, examples: Sequence[Any], answers: Sequence[Any]) -> list[Question]:
    duals = [task.dual(example, answer) for example, answer in zip(examples, answers, strict=True)]
    found = [dual for dual in duals if dual is not None]
    if len(found) < len(duals):
        raise ValueError(
            f"the task {task.name!r} has no dual for the answer {answers[duals.index(None)]!r}, with which the others "
            "are compared: return a question for every answer, or pass sd.Duality(form='sample')"
        )
    return found


def _mean_similarity(model: LanguageModel, duals: list[Question], n_samples: int, seed: int) -> NDArray[np.float64]:
    """Mean similarity of sampled reconstructions; a reconstruction that cannot be read scores 0.

    All samples are requested in one call, in which a repeated prompt is sampled anew.
    """
    max_tokens = model.spec.max_new_tokens(max(dual.answer_type.n_tokens for dual in duals))
    texts = model.generate(
        [dual.prompt for dual in duals] * n_samples, SamplingParams(max_tokens=max_tokens, temperature=1.0, seed=seed)
    )
    scores = [similarity(dual, text) for dual, text in zip(duals * n_samples, texts, strict=True)]
    return np.reshape(scores, (n_samples, len(duals))).mean(axis=0)


def similarity(question: Question, text: str | None) -> float:
    """How well a completion matches the target: 0 if it cannot be read, NaN if there is none."""
    if text is None:
        return np.nan
    found = question.parse(text)
    return 0.0 if isinstance(found, Failure) else question.similarity(found.value)


def _target_probability(model: LanguageModel, duals: list[Question], form: str) -> NDArray[np.float64]:
    """Probability of the dual target among its options, or its logarithm."""
    table = score_options(model, duals) / (model.spec.temperature if form == "posterior" else 1.0)
    chosen = [_options(dual).index(dual.target) for dual in duals]
    scores = log_softmax(table, axis=1)[np.arange(len(duals)), chosen]
    return np.exp(scores) if form == "posterior" else scores


def _gain(model: LanguageModel, duals: list[Question], without: list[Question]) -> NDArray[np.float64]:
    """How much likelier the dual target is with the answer than without, a gene."""
    texts = [dual.completion(dual.target) for dual in duals]
    prompts = [dual.prompt for dual in (*duals, *without)]
    gained, base = _log_likelihood(model, prompts, texts * 2).reshape(2, -1)
    return log_likelihood_gain(gained, base, [dual.answer_type.size(dual.target) for dual in duals])


def likelihood_by_option(model: LanguageModel, task: Task, examples: Sequence[Any]) -> NDArray[np.float64]:
    """Log-likelihood of each dual target after each option of the primal task; −inf after the last option.

    Parameters
    ----------
    model
        The model that scores.
    task
        The task, in the prompt format of the model.
    examples
        n examples with something hidden, and options.

    Returns
    -------
    float64 (n, most options of an example).

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.duality import likelihood_by_option
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> genes = ("CD79A", "MS4A1", "CD74", "CD37")
    >>> example = LabelExample(genes=genes, hidden_genes=genes, options=("B cell", "natural killer cell"))
    >>> task = Annotation(prompt_format="compact")
    >>> likelihood_by_option(sd.models.load("embedded"), task, [example]).argmax(1)
    array([0])
    """
    options = [task.answer_type(example).options or () for example in examples]
    counts = np.array([len(one) for one in options])
    prompts, texts = [], []
    for example, one in zip(examples, options, strict=True):
        duals = _duals(task, [example] * len(one), one)
        prompts += [dual.prompt for dual in duals]
        texts += [duals[0].completion(duals[0].target)] * len(duals)  # the target is the same for every option
    table = np.full((len(examples), counts.max()), -np.inf)
    table[np.arange(counts.max()) < counts[:, None]] = _log_likelihood(model, prompts, texts)
    return table


def score_options(model: LanguageModel, questions: Sequence[Question]) -> NDArray[np.float64]:
    """Log-likelihood of each question's options; −inf after the last option."""
    options = [_options(question) for question in questions]
    table = np.full((len(questions), max(map(len, options))), -np.inf)
    for one in dict.fromkeys(options):
        same = [i for i, other in enumerate(options) if other == one]
        completions = questions[same[0]].completions()
        table[same, : len(one)] = model.score([questions[i].prompt for i in same], completions)
    return table


def _options(question: Question) -> tuple[Any, ...]:
    return tuple(question.answer_type.options or ())


def _log_likelihood(model: LanguageModel, prompts: Sequence[str], texts: Sequence[str]) -> NDArray[np.float64]:
    """Log-likelihood of each text after its prompt; a repeated pair is scored once."""
    pairs = list(zip(prompts, texts, strict=True))
    unique = list(dict.fromkeys(pairs))
    index = {pair: i for i, pair in enumerate(unique)}
    found = model.likelihood([prompt for prompt, _ in unique], [text for _, text in unique])
    return np.asarray(found)[[index[pair] for pair in pairs]]
