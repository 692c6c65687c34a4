"""From prompts to one answer a cell or a cluster, and into AnnData."""

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
from ..tasks import Annotation, Failure, annotation_example

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


def scored(model: LanguageModel, task: Annotation, cells: Sequence[Sequence[str]], labels: Sequence[str]) -> Answers:
    """Compare the likelihoods of all labels after each cell."""
    readable = [i for i, genes in enumerate(cells) if genes]
    answers = _without_answer(len(cells), len(labels))
    if readable:
        prompts = [task.prompt(annotation_example(cells[i], labels)) for i in readable]
        scores = model.score(prompts, [task.answer(label) for label in labels])
        answers.probability[readable] = softmax(scores / model.spec.temperature, axis=1)
        answers.best[readable] = scores.argmax(1)
        answers.status[readable] = OK
    return answers


def generated(
    model: LanguageModel,
    task: Annotation,
    cells: Sequence[Sequence[str]],
    labels: Sequence[str],
    sampling: Sampling,
) -> Answers:
    """Let the model write, and read what it wrote."""
    readable = [i for i, genes in enumerate(cells) if genes]
    answers = _without_answer(len(cells), len(labels))
    examples = [annotation_example(cells[i], labels) for i in readable]
    texts = model.generate([task.prompt(example) for example in examples], sampling) if examples else []
    for i, example, text in zip(readable, examples, texts, strict=True):
        read = task.parse(text, example)
        if isinstance(read, Failure):
            answers.status[i] = str(read.reason)
            continue
        answers.best[i] = labels.index(read.value)
        answers.probability[i] = np.arange(len(labels)) == answers.best[i]
        answers.status[i] = OK
    return answers


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
    for holder, name in ((adata.obs, _keys.confidence(key)), (adata.obsm, _keys.probabilities(key))):
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


def _without_answer(n: int, n_labels: int) -> Answers:
    return Answers(np.full((n, n_labels), np.nan), np.full(n, -1), np.full(n, NO_GENES, dtype=object))
