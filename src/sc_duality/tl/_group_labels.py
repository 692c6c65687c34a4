"""Query a model once about each group of cells by any task on groups, with as many votes as samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells import adata_keys
from ..examples import GroupPredictions
from ..models import LanguageModel, Sampling
from ..tasks import Question, Task
from ._blocks import blocks
from ._cluster_labels import by_share, score_answers
from ._label_predictions import LabelPredictions
from ._reasoning_table import Shown
from ._text_answers import AnswerTable, generate_answers, samples_status


class LabelledCells(NamedTuple):
    """Labels of cells, to be written into an AnnData."""

    predictions: LabelPredictions
    #: What ``obs`` may hold.
    names: list[str]
    #: Probability of each label, or the share of the samples that name it, (n_obs, n_labels), where it is written.
    by_label: NDArray[np.float64] | None = None
    #: Tables for ``uns[key]``.
    tables: dict[str, pd.DataFrame] = {}  # noqa: RUF012


def with_groups(task: Task, groupby: str | Sequence[str] | None) -> tuple[Task, str | list[str]]:
    """The task with its groups, and the columns of these."""
    chosen: Any = groupby if groupby is not None else task.groupby  # type: ignore[attr-defined]
    if not len(chosen):
        raise ValueError(
            f"the task {task.name!r} is about groups of cells: pass groupby=, an obs column such as 'sample'"
        )
    columns = chosen if isinstance(chosen, str) else list(chosen)
    return replace(task, groupby=columns), columns  # type: ignore[call-arg]


def check_group_labels(examples: GroupPredictions, method: str) -> None:
    """Refuse scoring of answers that are too many to list."""
    example = next((one for one in examples.predict_groups(0).values() if one is not None), None)
    if example is None:
        raise ValueError(
            f"groupby={examples.task.groupby!r}: no group has a cell that the model {examples.cells.spec.name!r} can "
            "read, see sd.pp.cell_sentences and whether var_names are gene symbols of its organism"
        )
    if method != "generate" and examples.task.question(example).answer_type.options is None:
        raise ValueError(
            f"method={method!r} with {len(examples.labels)} labels: the answers of the task {examples.task.name!r} are "
            "too many to list, pass method='generate' or fewer labels"
        )


def label_groups(
    model: LanguageModel,
    examples: GroupPredictions,
    method: str,
    sampling: Sampling,
    seed: int,
    threshold: float,
    *,
    answers: AnswerTable,
) -> LabelledCells:
    """The answer for the group of each cell: the most probable one, or the one with the most votes.

    Parameters
    ----------
    model
        The model.
    examples
        The groups as examples of the task.
    method
        As in :func:`predict_labels`.
    sampling
        Its ``n_samples`` are the votes of a group.
    seed
        Seed of the cells in the prompts and of sampling.
    threshold
        Confidence below which a group is unknown.
    answers
        Gets the generated texts.
    """
    examples.cell_groups.log()
    found = examples.predict_groups(seed)
    questions = {name: examples.task.question(one) for name, one in found.items() if one is not None}
    rows = {name: examples.groups[name][0] for name in found}
    status = {name: str(examples.cells.status[row]) for name, row in rows.items()}
    counts: dict[str, dict[Any, float]] = {}
    names = list(questions)
    options = next(iter(questions.values())).answer_type.options if questions else None
    for block in blocks(len(names), examples.task.name, sampling.n_samples):
        part = {name: questions[name] for name in names[block]}
        if method == "score":
            scored = score_answers(model, part, status)
            counts |= {name: dict(zip(options or (), share, strict=True)) for name, share in scored.items()}
        else:
            counts |= _votes(model, examples, part, found, (method, sampling, seed), answers, status)
    if sampling.temperature and method != "score":
        answers.warn_equal_samples()
    if method != "score":
        given = {answer for one in counts.values() for answer in one}
        order = {label: i for i, label in enumerate(examples.labels)}
        options = sorted(given, key=lambda answer: [order[label] for label in examples.answer_labels(answer)])
    shares = {name: np.array([one.get(answer, 0.0) for answer in options or ()]) for name, one in counts.items()}
    names = [examples.written(answer) for answer in options or ()]
    groups = by_share(names, list(found), shares, status, scored=False, free=False)
    table = groups.table(examples.groups, threshold, **_shown(found))
    by_label = _by_label(examples, list(found), options or (), shares)
    is_written = method == "score" or sampling.n_samples > 1
    return LabelledCells(
        groups.of_cells(examples.groups, len(examples.cells)),
        names,
        np.vstack([by_label, np.full(by_label.shape[1], np.nan)])[examples.cell_groups.unit_of_cell]
        if is_written
        else None,
        {adata_keys.GROUPS: table},
    )


def _votes(
    model: LanguageModel,
    examples: GroupPredictions,
    questions: dict[str, Question],
    found: dict[str, Any],
    how: tuple[str, Sampling, int],
    answers: AnswerTable,
    status: dict[str, str],
) -> dict[str, dict[Any, float]]:
    """Share of the readable samples of each answer; sets the status of each group."""
    texts = generate_answers(model, list(questions.values()), *how)
    written = {own: label for label, own in examples.labels.items()}
    genes = {name: dict.fromkeys(gene for cell in found[name].cells for gene in cell) for name in questions}
    answers.add(questions, texts, examples.written, [Shown({name: tuple(one)}, written) for name, one in genes.items()])
    shares: dict[str, dict[Any, float]] = {}
    for name, samples in zip(questions, texts, strict=True):
        status[name] = samples_status(samples)
        if status[name] == adata_keys.OK:
            votes = Counter(one.value for one in samples if one.value is not None)
            shares[name] = {answer: n / votes.total() for answer, n in votes.items()}
    return shares


def _by_label(
    examples: GroupPredictions, groups: Sequence[str], options: Sequence[Any], shares: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Probability of each label of each group: the sum over the answers that name it, (n_groups, n_labels)."""
    labels = list(examples.labels)
    named = np.array([[label in examples.answer_labels(answer) for label in labels] for answer in options], dtype=float)
    found = np.full((len(groups), len(labels)), np.nan)
    for i, name in enumerate(groups):
        if name in shares:
            found[i] = np.minimum(shares[name] @ named, 1.0)
    return found


def _shown(found: Mapping[str, Any]) -> dict[str, list[int]]:
    """Number of cells, and of genes of the longest, in the prompt of each group."""
    cells = [() if one is None else one.cells for one in found.values()]
    return {
        "n_cells_shown": [len(one) for one in cells],
        "n_genes_shown": [max(map(len, one), default=0) for one in cells],
    }
