"""What annotation and sensitivity share: ask for a label of every cell, and write it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from anndata import AnnData

from .. import _keys
from .._data import seed
from ..models import LanguageModel, ModelSpec, Sampling, load
from ._answers import Answers, certain, pooled, scored, write, written
from ._ask import context_of, provenance, sentences_for
from ._best_of import best_explained, drawn_labels
from ._dual import Dual
from ._duality import duality
from ._questions import Question

logger = logging.getLogger(__name__)

Method = Literal["score", "generate"]


@dataclass(frozen=True, kw_only=True)
class How:
    """How labels are asked for: what the arguments of :func:`sc_duality.tl.annotate` of these names say."""

    method: Method
    groupby: str | None
    unknown: float | None
    n_genes: int | None
    temperature: float
    max_tokens: int
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
    default = spec.unknown if question.task.name == "annotation" else 0.0  # models know it of types only
    threshold = default if how.unknown is None else how.unknown
    sampling = Sampling(max_tokens=how.max_tokens, temperature=how.temperature, seed=seed(how.rng))
    facts = context_of(adata, how.context)
    cells = sentences_for(adata, spec, key=how.key, n_genes=how.n_genes)

    engine = load(model)
    asked = question.shown(cells, facts)
    dual = Dual(seed=sampling.seed)
    backwards = question.hidden(cells, facts, adata.obs_names, dual) if how.best_of > 1 else []
    if how.method == "score":
        answers = scored(engine, question.task, asked, question.labels)
        if how.best_of > 1:
            drawn = drawn_labels(answers.probability, adata.obs_names, how.best_of, sampling.seed)
            answers = answers._replace(best=best_explained(engine, question, backwards, drawn, dual))
    else:
        drawn, status = written(engine, question.task, asked, question.labels, sampling, how.best_of)
        best = best_explained(engine, question, backwards, drawn, dual) if how.best_of > 1 else drawn[:, 0]
        answers = certain(best, status, len(question.labels))
    if how.groupby is not None:
        answers = pooled(answers, adata.obs[how.groupby])

    _write(adata, question, how, answers, threshold)
    adata.uns[how.key_added] = provenance(
        spec,
        question.task.dialect,
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
        dtype=getattr(engine, "dtype", None),
        temperature=sampling.temperature,
        max_tokens=sampling.max_tokens,
        rng=sampling.seed,
        **about,
    )
    found = adata.obs[_keys.status(how.key_added)].value_counts().to_dict()
    logger.info("wrote obs[%r]: %s", how.key_added, found)
    if how.duality:
        duality(adata, how.key_added, engine, n_genes=how.n_genes, rng=sampling.seed)


def _check(adata: AnnData, how: How) -> None:
    """Refuse arguments that cannot be meant."""
    method, groupby, unknown, best_of = how.method, how.groupby, how.unknown, how.best_of
    if method not in get_args(Method):
        raise ValueError(f"method must be 'score' or 'generate', not {method!r}")
    if groupby is not None and groupby not in adata.obs:
        raise KeyError(f"groupby={groupby!r} is no obs column; there are {', '.join(adata.obs.columns)}")
    if unknown is not None and not 0 <= unknown <= 1:
        raise ValueError(f"unknown is a probability and must lie between 0 and 1, not {unknown}")
    if unknown is not None and method == "generate" and groupby is None:
        raise ValueError(f"unknown={unknown} needs a confidence, which method='generate' has with groupby= only")
    if isinstance(best_of, bool) or not isinstance(best_of, int | np.integer) or best_of < 1:
        raise ValueError(f"best_of must be a positive integer, got {best_of!r}")
    if best_of > 1 and groupby is not None:
        raise ValueError(f"best_of={best_of} chooses an answer for each cell, groupby= one for a cluster: pass one")
    if best_of > 1 and method == "generate" and not how.temperature > 0:
        raise ValueError(f"best_of={best_of} would write {best_of} times the same: pass temperature=, such as 1.0")


def _write(adata: AnnData, question: Question, how: How, answers: Answers, threshold: float) -> None:
    has_confidence = how.method == "score" or how.groupby is not None
    write(adata, how.key_added, answers, list(question.names), threshold if has_confidence else None)
    if how.method == "score":
        columns = [name.replace("/", "|") for name in question.names]  # "/" may stand in no key of a file
        adata.obsm[_keys.probabilities(how.key_added)] = pd.DataFrame(
            answers.probability, index=adata.obs_names, columns=columns
        )
