"""From questions to one answer a cell or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from ..cells import adata_keys
from ..models import LanguageModel, SamplingParams
from ..tasks import Example, Failure
from ._questions import Question

OK, NO_GENES, NO_GROUP, NOT_ANSWERED = "ok", "no genes", "no group", "not answered"
#: No single cell may count for more than this against a label of its cluster.
_FLOOR = 1e-6


class Answers(NamedTuple):
    """One answer a cell."""

    #: (n_obs,): index of the answer, −1 where there is none.
    best: NDArray[np.int64]
    #: (n_obs,): ``"ok"``, or why there is no answer.
    status: NDArray[np.object_]
    #: (n_obs,): probability of the answer or its share of the votes; NaN where there is neither.
    confidence: NDArray[np.float64]
    #: (n_obs, n_labels): probability of each label, NaN where there is no answer; ``None`` if the model wrote. What a
    #: row lacks of 1 is the probability that none of the labels is right, as far as the model was taught to say so.
    probability: NDArray[np.float64] | None
    #: (n_obs,): probability that the cell is like those that the model learned the labels from, NaN where there is no
    #: answer; ``None`` where nothing is known of those.
    familiarity: NDArray[np.float64] | None = None

    def put(self, part: slice, found: Answers) -> None:
        """Take over the answers to these cells."""
        own: Any
        for own, values in zip(self, found, strict=True):
            if own is not None:
                own[part] = values

    def chosen(self, best: NDArray[np.int64]) -> Answers:
        """Other answers to the same cells; a cell that had one and has none now was not answered."""
        lost = (best < 0) & (self.status == OK)
        self.status[lost] = NOT_ANSWERED
        if self.probability is not None:
            self.probability[lost] = np.nan
            self.confidence[:] = np.where(best < 0, np.nan, self.probability[np.arange(len(best)), best])
        if self.familiarity is not None:
            self.familiarity[lost] = np.nan
        return self._replace(best=best)


class Written(NamedTuple):
    """What a model wrote, several times a cell."""

    #: (n_obs, n): index of each label, −1 where it could not be read.
    labels: NDArray[np.int64]
    #: (n_obs,): ``"ok"`` where one of them could be read, or why the first could not.
    status: NDArray[np.object_]


def nothing(n: int, n_labels: int | None, status: str = NO_GENES, *, familiar: bool = False) -> Answers:
    """No answer to any of ``n`` cells; without ``n_labels`` there will be no probabilities."""
    probability = None if n_labels is None else np.full((n, n_labels), np.nan)
    familiarity = np.full(n, np.nan) if familiar else None
    return Answers(np.full(n, -1), np.full(n, status, dtype=object), np.full(n, np.nan), probability, familiarity)


def scored(model: LanguageModel, question: Question, examples: Sequence[Example]) -> Answers:
    """Compare the likelihoods of all labels after each cell, and that of none of them, and ask the reference."""
    task, labels = question.task, question.labels
    readable = np.array(_with_genes(examples), dtype=int)
    probability = np.full((len(examples), len(labels)), np.nan)
    answers = nothing(len(examples), None, familiar=question.reference is not None)._replace(probability=probability)
    if len(readable):
        prompts = [task.prompt(examples[i]) for i in readable]
        choices = [*labels, question.none] if question.none else labels
        scores = model.score(prompts, [task.answer(choice) for choice in choices])
        answered = ~np.isnan(scores).any(axis=1)
        answers.status[readable] = np.where(answered, OK, NOT_ANSWERED)
        scores, readable = scores[answered], readable[answered]
        said = softmax(scores / model.spec.temperature, axis=1)[:, : len(labels)]
        if len(readable) and question.reference is not None and answers.familiarity is not None:
            cells = [examples[i].known["genes"] for i in readable]
            answers.familiarity[readable] = question.reference.in_distribution_probability(cells)
            said = question.reference.ensemble_probabilities(said, cells, labels)
        probability[readable] = said
        answers.best[readable] = probability[readable].argmax(1)
    return answers.chosen(answers.best)


def written(
    model: LanguageModel, question: Question, examples: Sequence[Example], sampling: SamplingParams, n: int
) -> Written:
    """Let the model write ``n`` answers a cell, and read what it wrote.

    All are asked for in one call, in which a prompt that comes again is drawn anew. A cell of which one answer is
    missing was not answered, so that the rest of a run does not depend on what failed in it.
    """
    task, labels = question.task, question.labels
    none = task.answer(question.none) if question.none else None
    readable = _with_genes(examples)
    found = Written(np.full((len(examples), n), -1), np.full(len(examples), NO_GENES, dtype=object))
    prompts = [task.prompt(examples[i]) for i in readable]
    texts = model.generate(prompts * n, sampling) if prompts else []
    lost = []
    for place, text in enumerate(texts):
        draw, i = place // len(readable), readable[place % len(readable)]
        if text is None:
            lost.append(i)
            continue
        read = task.parse(text, examples[i])
        if not isinstance(read, Failure):
            found.labels[i, draw] = labels.index(read.value)
            found.status[i] = OK
        elif draw == 0:
            found.status[i] = adata_keys.UNKNOWN if text.strip() == none else str(read.reason)
    found.labels[lost], found.status[lost] = -1, NOT_ANSWERED
    return found


def pooled(answers: Answers, groups: pd.Series, n_labels: int) -> Answers:
    """One answer a cluster: the highest sum of log-probabilities, with the mean of the probabilities.

    Where the model wrote, its label has the probability 1, so that the most votes win.
    """
    scores = answers.probability
    familiarity = answers.familiarity
    result = nothing(
        len(answers.best), None if scores is None else n_labels, NO_GROUP, familiar=familiarity is not None
    )
    for members in groups.groupby(groups, observed=True).indices.values():
        voters = members[answers.best[members] >= 0]
        if len(voters) == 0:
            result.status[members] = answers.status[members]
            continue
        if scores is None:
            share = np.bincount(answers.best[voters], minlength=n_labels) / len(voters)
            best = int(share.argmax())
        else:
            share = scores[voters].mean(0)
            best = int(np.log(np.maximum(scores[voters], _FLOOR)).sum(0).argmax())
        result.best[members], result.confidence[members], result.status[members] = best, share[best], OK
        if result.probability is not None:
            result.probability[members] = share
        if familiarity is not None and result.familiarity is not None:
            result.familiarity[members] = familiarity[voters].mean()
    return result


def _with_genes(examples: Sequence[Example]) -> list[int]:
    return [i for i, example in enumerate(examples) if example.known["genes"]]
