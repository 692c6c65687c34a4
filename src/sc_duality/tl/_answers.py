"""From questions to one answer a cell or a cluster, and into AnnData."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.special import softmax

from .. import _keys
from ..models import LanguageModel, Sampling
from ..tasks import Example, Failure, Task

OK, NO_GENES, NO_GROUP = "ok", "no genes", "no group"
#: No single cell may count for more than this against a label of its cluster.
_FLOOR = 1e-6


class Answers(NamedTuple):
    """One answer a cell."""

    #: (n_obs, n_labels): probability of each label, or 1 for the one that was written; NaN where there is no answer.
    probability: NDArray[np.float64]
    #: (n_obs,): index of the answer, −1 where there is none.
    best: NDArray[np.int64]
    #: (n_obs,): ``"ok"``, or why there is no answer.
    status: NDArray[np.object_]


class Written(NamedTuple):
    """What a model wrote, several times a cell."""

    #: (n_obs, n): index of each label, −1 where it could not be read.
    labels: NDArray[np.int64]
    #: (n_obs,): ``"ok"`` where one of them could be read, or why the first could not.
    status: NDArray[np.object_]


def scored(model: LanguageModel, task: Task, examples: Sequence[Example], labels: Sequence[str]) -> Answers:
    """Compare the likelihoods of all labels after each cell."""
    readable = _with_genes(examples)
    answers = _without_answer(len(examples), len(labels))
    if readable:
        prompts = [task.prompt(examples[i]) for i in readable]
        scores = model.score(prompts, [task.answer(label) for label in labels])
        answers.probability[readable] = softmax(scores / model.spec.temperature, axis=1)
        answers.best[readable] = scores.argmax(1)
        answers.status[readable] = OK
    return answers


def written(
    model: LanguageModel, task: Task, examples: Sequence[Example], labels: Sequence[str], sampling: Sampling, n: int
) -> Written:
    """Let the model write ``n`` answers a cell, and read what it wrote."""
    readable = _with_genes(examples)
    found = Written(np.full((len(examples), n), -1), np.full(len(examples), NO_GENES, dtype=object))
    prompts = [task.prompt(examples[i]) for i in readable]
    texts = model.generate(prompts * n, sampling) if prompts else []
    for place, text in enumerate(texts):
        draw, i = place // len(readable), readable[place % len(readable)]
        read = task.parse(text, examples[i])
        if not isinstance(read, Failure):
            found.labels[i, draw] = labels.index(read.value)
            found.status[i] = OK
        elif draw == 0:
            found.status[i] = str(read.reason)
    return found


def certain(best: NDArray[np.int64], status: NDArray[np.object_], n_labels: int) -> Answers:
    """Answers that have no probabilities."""
    probability = np.where(best[:, None] < 0, np.nan, np.arange(n_labels) == best[:, None])
    return Answers(probability, best, status)


def pooled(answers: Answers, groups: pd.Series) -> Answers:
    """One answer a cluster: the highest sum of log-probabilities, with the mean of the probabilities."""
    result = _without_answer(*answers.probability.shape)
    result.status[:] = NO_GROUP
    for members in groups.groupby(groups, observed=True).indices.values():
        voters = members[answers.best[members] >= 0]
        if len(voters) == 0:
            result.status[members] = answers.status[members]
            continue
        votes = answers.probability[voters]
        result.best[members] = np.log(np.maximum(votes, _FLOOR)).sum(0).argmax()
        result.probability[members] = votes.mean(0)
        result.status[members] = OK
    return result


def write(adata: AnnData, key: str, answers: Answers, labels: Sequence[str], unknown: float | None) -> None:
    """Write label and status, and confidence unless ``unknown`` is ``None``; what an earlier answer left goes."""
    earlier = (
        (adata.obs, _keys.confidence(key)),
        (adata.obs, _keys.duality(key)),
        (adata.obsm, _keys.probabilities(key)),
    )
    for holder, name in earlier:
        if name in holder:
            del holder[name]
    names = pd.Categorical.from_codes(answers.best, categories=list(labels))
    status = answers.status.copy()
    if unknown is not None:
        confidence = answers.probability[np.arange(adata.n_obs), answers.best]
        unsure = confidence < unknown  # false where there is no answer: NaN
        if _keys.UNKNOWN not in names.categories:
            names = names.add_categories(_keys.UNKNOWN)
        names[unsure] = _keys.UNKNOWN
        status[unsure] = _keys.UNKNOWN
    adata.obs[key] = names.remove_unused_categories()
    adata.obs[_keys.status(key)] = pd.Categorical(status)
    if unknown is not None:
        adata.obs[_keys.confidence(key)] = confidence


def _with_genes(examples: Sequence[Example]) -> list[int]:
    return [i for i, example in enumerate(examples) if example.known["genes"]]


def _without_answer(n: int, n_labels: int) -> Answers:
    return Answers(np.full((n, n_labels), np.nan), np.full(n, -1), np.full(n, NO_GENES, dtype=object))
