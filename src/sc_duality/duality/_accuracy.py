"""How often a model and its dual task are right on examples with a truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..models import LanguageModel, SamplingParams
from ..tasks import Question, Task
from ._score import likelihood_by_option, score_options, similarity


class Accuracy(NamedTuple):
    """Accuracy of one task."""

    #: Share of right answers: the likeliest option or, where there are too many to list, such as the orders of the
    #: labels of a puzzle, the one that is generated. NaN for answers without a greatest length, such as cells.
    primal: float
    #: Share of examples whose true answer the dual task prefers; NaN without anything hidden.
    dual: float
    #: Accuracy of random choice.
    chance: float
    n: int


def task_accuracy(model: LanguageModel, task: Task, examples: Sequence[Any]) -> Accuracy:
    """Accuracy of the primal and the dual task on examples with a truth.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> genes = ("CD79A", "MS4A1", "CD74", "CD37")
    >>> example = LabelExample(
    ...     genes=genes, hidden_genes=genes, options=("B cell", "natural killer cell"), truth="B cell"
    ... )
    >>> task_accuracy(sd.models.load("embedded"), Annotation(prompt_format="compact"), [example])
    Accuracy(primal=1.0, dual=1.0, chance=0.5, n=1)
    """
    questions = [task.question(example) for example in examples]
    with_options = all(question.answer_type.options is not None for question in questions)
    primal = dual = np.nan
    chances: list[float] = []
    if with_options:
        truth = [list(question.answer_type.options or ()).index(question.target) for question in questions]
        primal = _share(score_options(model, questions), truth)
        chances = [1 / len(question.answer_type.options or ()) for question in questions]
    elif all(question.answer_type.longest is not None for question in questions):
        primal = _share_generated(model, questions)
    hidden = [i for i, example in enumerate(examples) if example.has_hidden]
    duals = [one for i in hidden if (one := task.dual(examples[i], examples[i].truth)) is not None]
    if duals and duals[0].answer_type.options is not None:
        targets = [list(one.answer_type.options or ()).index(one.target) for one in duals]
        dual = _share(score_options(model, duals), targets)
        chances = [1 / len(one.answer_type.options or ()) for one in duals]
    elif duals and with_options:
        dual = _share(likelihood_by_option(model, task, [examples[i] for i in hidden]), [truth[i] for i in hidden])
    return Accuracy(primal, dual, float(np.mean(chances)) if chances else np.nan, len(examples))


def _share_generated(model: LanguageModel, questions: Sequence[Question]) -> float:
    """Share of questions whose generated answer, at temperature 0, is the target; an unreadable one is wrong."""
    n_tokens = max(question.answer_type.n_tokens for question in questions)
    sampling = SamplingParams(max_tokens=model.spec.max_new_tokens(n_tokens), temperature=0.0)
    texts = model.generate([question.prompt for question in questions], sampling)
    pairs = zip(questions, texts, strict=True)
    return float(np.mean([text is not None and similarity(question, text) == 1 for question, text in pairs]))


def _share(table: NDArray[np.float64], truth: Sequence[int]) -> float:
    return float(np.mean(table.argmax(1) == truth))
