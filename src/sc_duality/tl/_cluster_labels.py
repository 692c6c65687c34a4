"""Query a model once about each cluster, with as many votes as samples, and give all of its cells the label."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from ..cells import adata_keys, ontology_name, ontology_term
from ..examples import ClusterExamples
from ..metrics import normal_form
from ..models import LanguageModel, ModelSpec, Sampling
from ..tasks import ClusterAnnotation, PromptFormat, Question
from ._label_columns import is_unsure
from ._label_predictions import LabelPredictions
from ._reasoning_table import Shown
from ._text_answers import AnswerTable, generate_answers, samples_status

logger = logging.getLogger(__name__)


class ClusterLabels(NamedTuple):
    """Labels of clusters, or of other groups of cells."""

    #: Labels as they are written into ``obs``.
    names: list[str]
    #: One prediction a cluster; its confidence is the share of the votes, or the probability.
    predictions: LabelPredictions
    #: Share of the votes of every label, or its probability, (n_clusters, n_labels).
    shares: NDArray[np.float64]

    def of_cells(self, groups: Mapping[str, NDArray[np.int64]], n_cells: int) -> LabelPredictions:
        """The prediction of the cluster of each cell; ``groups`` are the rows of each."""
        cluster = np.full(n_cells, -1)
        for i, rows in enumerate(groups.values()):
            cluster[rows] = i
        return self.predictions.of_cells(cluster)

    def table(self, groups: Mapping[str, NDArray[np.int64]], threshold: float, **columns: Any) -> pd.DataFrame:
        """One row a cluster, for ``uns[key]["groups"]``: its size, label, runner-up and further ``columns``."""
        best, unsure = self.predictions.best, is_unsure(self.predictions, threshold)
        names = np.array([*self.names, ""], dtype=object)
        others = self.shares.copy()
        others[np.arange(len(best))[best >= 0], best[best >= 0]] = 0
        second = others.argmax(axis=1) if len(self.names) else np.full(len(best), -1)
        share = others.max(axis=1, initial=0.0)
        return pd.DataFrame(
            {
                "n_cells": [len(rows) for rows in groups.values()],
                "label": np.where(unsure, adata_keys.UNKNOWN, names[best]),
                "status": np.where(unsure, adata_keys.UNKNOWN, self.predictions.status).astype(object),
                "confidence": self.predictions.confidence,
                "runner_up": names[np.where(share > 0, second, -1)],
                "runner_up_confidence": share,
                **columns,
            },
            index=pd.Index(list(groups), dtype=object, name="group"),
        )


def reads_clusters(spec: ModelSpec) -> bool:
    """Whether a model can be queried about clusters: its prompt format has a template, and it takes the task."""
    takes = spec.tasks is None or ClusterAnnotation.name in spec.tasks
    return takes and PromptFormat(spec.prompt_format).has_template(ClusterAnnotation.name)


def check_clusters(examples: ClusterExamples, method: str) -> None:
    """Refuse clusters that cannot be labelled."""
    if not examples.groups:
        raise ValueError(f"groupby={examples.task.groupby!r} names no group: all of its values are missing")
    if not examples.labels and method != "generate":
        raise ValueError(
            f"the model {examples.cells.spec.name!r} has no labels of its own, and method={method!r} needs labels to "
            "choose from: pass labels=, a list or an obs column, or method='generate' to name cell types freely"
        )


def predict_clusters(
    model: LanguageModel, examples: ClusterExamples, method: str, sampling: Sampling, seed: int, answers: AnswerTable
) -> ClusterLabels:
    """The label of each cluster: the most probable one, or the one with the most votes.

    Parameters
    ----------
    model
        The model.
    examples
        The clusters.
    method
        As in :func:`predict_labels`.
    sampling
        Its ``n_samples`` are the votes of a cluster.
    seed
        Seed of sampling.
    answers
        Gets the generated texts.
    """
    found = examples.predict_groups()
    n_votes = 1 if method == "score" else sampling.n_samples
    logger.info("%d clusters × %d samples: at most %d prompts", len(found), n_votes, len(found) * n_votes)
    questions = {name: examples.task.question(example) for name, example in found.items() if example is not None}
    status = dict.fromkeys(found, adata_keys.NO_GENES)
    if method == "score":
        names = list(examples.labels)
        shares = score_answers(model, questions, status)
    else:
        texts = generate_answers(model, list(questions.values()), method, sampling, seed) if questions else []
        written = written_names(examples.labels, (one.value for samples in texts for one in samples))
        genes = {name: (*one.markers, *one.genes) for name, one in found.items() if one is not None}
        prompts = [Shown({name: shown}, written) for name, shown in genes.items()]
        answers.add(questions, texts, written.__getitem__, prompts)
        if sampling.temperature:
            answers.warn_equal_samples()
        status |= {name: samples_status(samples) for name, samples in zip(questions, texts, strict=True)}
        votes = {
            name: Counter(written[one.value] for one in samples if one.value is not None)
            for name, samples in zip(questions, texts, strict=True)
            if status[name] == adata_keys.OK
        }
        names = label_names(examples.labels, votes)
        shares = {name: np.array([n[label] for label in names]) / n.total() for name, n in votes.items()}
    return by_share(names, list(found), shares, status, scored=method == "score", free=not examples.labels)


def score_answers(
    model: LanguageModel, questions: Mapping[str, Question], status: dict[str, str]
) -> dict[str, NDArray[np.float64]]:
    """Probability of every answer of each cluster that the model answers; sets the status of each cluster."""
    if not questions:
        return {}
    completions = next(iter(questions.values())).completions()
    scores = model.score([question.prompt for question in questions.values()], completions)
    probability = softmax(np.asarray(scores) / model.spec.temperature, axis=1)
    answered = ~np.isnan(probability).any(axis=1)
    status |= dict(zip(questions, np.where(answered, adata_keys.OK, adata_keys.NOT_ANSWERED).tolist(), strict=True))
    return {name: probability[i] for i, name in enumerate(questions) if answered[i]}


def written_names(labels: Mapping[str, str], answers: Iterable[str | None]) -> dict[str, str]:
    """How each answer is written into ``obs``: as the user's label, or the Cell Ontology's name of a free name.

    Free names that the ontology lacks, and that differ in case or spacing only, are written as the first of them.
    """
    if labels:
        return {own: name for name, own in labels.items()}
    written: dict[str, str] = {}
    first: dict[str, str] = {}
    for name in (answer for answer in answers if answer is not None):
        term = ontology_term(name)
        known = None if term is None else ontology_name(term)
        written[name] = first.setdefault(normal_form(name), name) if known is None else known
    return written


def label_names(labels: Mapping[str, str], votes: Mapping[Any, Counter[str]]) -> list[str]:
    """All labels: the options, or the free names in alphabetical order."""
    return list(labels) or sorted({name for counts in votes.values() for name in counts})


def by_share(
    names: list[str],
    clusters: Sequence[str],
    shares: Mapping[str, NDArray[np.float64]],
    status: Mapping[str, str],
    *,
    scored: bool,
    free: bool,
) -> ClusterLabels:
    """The label with the largest share; of equal shares, the first."""
    table = np.full((len(clusters), len(names)), np.nan)
    for i, name in enumerate(clusters):
        table[i] = shares.get(name, np.nan)
    labelled = np.array([name in shares for name in clusters])
    best = np.full(len(clusters), -1)
    best[labelled] = table[labelled].argmax(axis=1) if len(names) else -1
    reasons = np.array([status[name] for name in clusters], dtype=object)
    if free and adata_keys.UNKNOWN in names:
        reasons[best == names.index(adata_keys.UNKNOWN)] = adata_keys.UNKNOWN
    confidence = np.where(labelled, table.max(axis=1, initial=0.0), np.nan)
    predictions = LabelPredictions(best, reasons, confidence, table if scored else None, None)
    return ClusterLabels(names, predictions, np.nan_to_num(table))
