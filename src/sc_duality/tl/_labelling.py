"""What annotation and sensitivity share: ask for a label of every cell, and write it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from anndata import AnnData

from ..cells import adata_keys, cell_names, column, seed
from ..models import LanguageModel, ModelSpec, SamplingParams, load, read_reference_classifier
from ..train._judge import Dual
from ._answers import NOT_ANSWERED, Answers, nothing, pooled, scored, written
from ._ask import context_of, provenance, report_unanswered, sentences_for
from ._best_of import best_explained, check_best_of, drawn_labels
from ._blocks import blocks
from ._columns import write
from ._duality import duality
from ._questions import Question

logger = logging.getLogger(__name__)

Method = Literal["score", "generate", "choose"]


@dataclass(frozen=True, kw_only=True)
class How:
    """How labels are asked for: what the arguments of :func:`sc_duality.tl.annotate` of these names say."""

    method: Method
    groupby: str | None
    unknown: float | None
    n_genes: int | None
    temperature: float
    max_tokens: int | None
    duality: bool
    best_of: int
    context: Sequence[str]
    key: str
    key_added: str
    rng: int | np.random.Generator


def label_cells(
    adata: AnnData, model: str | Path | LanguageModel, spec: ModelSpec, question: Question, how: How, **about: Any
) -> None:
    """Ask the question about every cell and write the answers; ``about`` is kept beside the settings."""
    _check(adata, how)
    default = spec.known(question.task.name, "unknown", 0.0)  # models know it of types only
    threshold = default if how.unknown is None else how.unknown
    choices = tuple(map(question.task.answer, question.labels)) if how.method == "choose" else ()
    room = spec.max_new_tokens(1) if how.max_tokens is None else how.max_tokens
    sampling = SamplingParams(max_tokens=room, temperature=how.temperature, seed=seed(how.rng), choices=choices)
    facts = context_of(adata, how.context)
    cells = sentences_for(adata, spec, key=how.key, n_genes=how.n_genes)
    names = cell_names(adata)
    scores = how.method == "score"
    if scores and question.task.name == "annotation":
        question = question._replace(reference=read_reference_classifier(spec, cells.names))

    engine = load(model)
    answers = nothing(len(cells), len(question.names) if scores else None, familiar=question.reference is not None)
    judged = how.best_of * len(question.names) if how.best_of > 1 else 1
    for part in blocks(len(cells), question.task.name, judged):
        found = _answers(engine, question, cells.genes(part), facts.of(part), names[part], how, sampling)
        answers.put(part, found)
    report_unanswered(int((answers.status == NOT_ANSWERED).sum()), len(cells))
    if how.groupby is not None:
        answers = pooled(answers, column(adata, how.groupby), len(question.names))

    has_confidence = scores or how.groupby is not None
    write(adata, how.key_added, answers, question.names, spec, threshold if has_confidence else None)
    adata.uns[how.key_added] = provenance(
        engine,
        question.task.prompt_format,
        task=question.task.name,
        task_version=question.task.version,
        labels=list(question.names),
        method=how.method,
        groupby=how.groupby,
        unknown=threshold,
        best_of=how.best_of,
        context=list(how.context) or None,
        key=how.key,
        n_genes=how.n_genes or spec.n_genes,
        temperature=sampling.temperature,
        max_tokens=sampling.max_tokens,
        rng=sampling.seed,
        **about,
    )
    statuses = column(adata, adata_keys.status(how.key_added)).value_counts().to_dict()
    logger.info("wrote obs[%r]: %s", how.key_added, statuses)
    if how.duality:
        duality(adata, how.key_added, engine, n_genes=how.n_genes, rng=sampling.seed)


def _answers(
    engine: LanguageModel,
    question: Question,
    cells: Sequence[Sequence[str]],
    facts: Sequence[Mapping[str, str]],
    names: Sequence[str],
    how: How,
    sampling: SamplingParams,
) -> Answers:
    """One answer to each of these cells; all that is asked about a cell is asked here, and nothing about others."""
    examples = question.shown(cells, facts)
    if how.method == "score":
        answers = scored(engine, question, examples)
    else:
        drawn, status = written(engine, question, examples, sampling, how.best_of)
        answers = nothing(len(cells), None)._replace(best=drawn[:, 0], status=status)
    if how.best_of == 1:
        return answers
    if answers.probability is not None:
        drawn = drawn_labels(answers.probability, names, how.best_of, sampling.seed)
    dual = Dual(seed=sampling.seed)
    hidden = question.hidden(cells, facts, names, dual)
    return answers.chosen(best_explained(engine, question, hidden, drawn, dual))


def _check(adata: AnnData, how: How) -> None:
    """Refuse arguments that cannot be meant."""
    method, groupby, unknown, best_of = how.method, how.groupby, how.unknown, how.best_of
    if method not in get_args(Method):
        raise ValueError(f"method must be 'score', 'generate' or 'choose', not {method!r}")
    if groupby is not None and groupby not in adata.obs:
        raise KeyError(f"groupby={groupby!r} is no obs column; there are {', '.join(adata.obs.columns)}")
    if unknown is not None and not 0 <= unknown <= 1:
        raise ValueError(f"unknown is a probability and must lie between 0 and 1, not {unknown}")
    if unknown is not None and method != "score" and groupby is None:
        raise ValueError(f"unknown={unknown} needs a confidence, which method={method!r} has with groupby= only")
    check_best_of(best_of)
    if best_of > 1 and groupby is not None:
        raise ValueError(f"best_of={best_of} chooses an answer for each cell, groupby= one for a cluster: pass one")
    if best_of > 1 and method != "score" and not how.temperature > 0:
        raise ValueError(f"best_of={best_of} would write {best_of} times the same: pass temperature=, such as 1.0")
