"""Predict a label of every cell, or of every group of cells, by any label task."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..cells import (
    Fields,
    adata_keys,
    check_new_fields,
    check_not_corrected,
    column,
    drop_written,
    modality,
    new_fields,
    seed,
    text_column,
    writable,
)
from ..examples import Context, ModelCells, build, builder_of, check_context, stored_context, to_task
from ..models import LanguageModel, Sampling, load
from ..tasks import LabelTask, Task
from ._group_labels import LabelledCells, check_group_labels, label_groups, with_groups
from ._label_arguments import Method, check_label_arguments
from ._label_columns import probability_columns, write_labels, write_probabilities
from ._label_predictions import pool_by_group
from ._model import provenance, resolve_model, sampling_settings, warn_not_answered
from ._predict_labels import predict_labels
from ._text_answers import AnswerTable
from ._usage_meter import UsageMeter

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def predict(
    adata: AnnData | MuData,
    task: str | Task | tuple[str, Mapping[str, Any]],
    model: str | Path | LanguageModel | None = None,
    *,
    labels: Sequence[str] | str | None = None,
    groupby: str | Sequence[str] | None = None,
    method: Method | None = None,
    unknown: float | None = None,
    context: Context = (),
    layer: str | None = None,
    use_raw: bool | None = None,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str | None = None,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Predict one of several labels for every cell or for every group of cells, by a task of the package or your own.

    :func:`annotate` does more for cell types: coarse types, ontology terms and a reference classifier.

    Parameters
    ----------
    adata
        Cells. Cell sentences are computed if there are none, as in :func:`annotate`.
    task
        A task that gives labels: a name, alone or with its settings, such as ``("sensitivity", {"drug": "cisplatin"})``
        and ``("tissue", {"n_cells": 10})``, or a :class:`sc_duality.tasks.LabelTask`. The unit of ``"tissue"``, of
        ``"sample_label"`` (any fact about a sample, such as ``{"fact": "disease"}``) and of ``"sample_cell_types"`` is
        a group of cells: see :class:`sc_duality.tasks.Tissue`, :class:`sc_duality.tasks.SampleLabel` and
        :class:`sc_duality.tasks.SampleCellTypes`. ``"niche"`` reads a cell with its neighbours in space, and
        ``"same_niche"`` and ``"same_neighbourhood"`` a group of cells: see :class:`sc_duality.tasks.Niche`,
        :class:`sc_duality.tasks.SameNiche` and :class:`sc_duality.tasks.SameNeighbourhood`.
    model
        See :func:`annotate`. A model with tasks of its own must have been trained for this one.
    labels
        Labels to choose from: a list or an ``obs`` column whose values are taken. By default those of the task, or what
        the model knows.
    groupby
        For a task on groups: the ``obs`` column of the groups, such as ``"sample"``, or columns whose values together
        make a group, such as ``["donor", "batch"]``. A prompt shows up to ``n_cells`` random cells of a group (20 by
        default), with as many genes of each as fit into the context of the model. For a task on cells, see
        :func:`annotate`.
    method
        As in :func:`annotate`; by default ``"score"``, or ``"generate"`` where the answers are too many to list
        (``"sample_cell_types"``).
    unknown, context, layer, use_raw, sampling, sentence_key
        See :func:`annotate`. Without ``unknown``, every cell gets a label. With ``n_samples`` above 1, generated labels
        of groups are votes.
    key_added
        Name of the result; the name of the task by default.
    mod
        Modality of a MuData, or table of a SpatialData.
    rng
        Seed of sampling, and of the cells of a group that a prompt shows.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key_added]``, ``obs[key_added + "_status"]``, ``obs[key_added + "_confidence"]``
        Label, status and confidence, as :func:`annotate`; all cells of a group have those of the group. Several cell
        types of a sample are separated by ``" | "``.
    ``obs[key_added + "_nearest"]``
        The most probable label, as :func:`annotate`; for a task on cells only.
    ``obsm[key_added + "_probabilities"]``
        With ``"score"``: DataFrame (n_obs, n_labels). For groups also with several samples: the share of them that name
        the label. Each of several cell types of a sample has a probability of its own, and their sum may exceed 1.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings, for groups also the number of cells
        (``n_cells``) and of genes of each (``n_genes_per_cell``) and the ``context_length`` that they fit into;
        ``answers``: the texts that the model generated, see :func:`sc_duality.get.answers`; ``reasoning``, see
        :func:`sc_duality.get.reasoning`; ``groups``: one row a group, with its number of cells, label, status,
        confidence, runner-up, and the cells and genes of a cell that its prompt showed.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used; raised before the model is loaded.

    Notes
    -----
    Tasks on groups are those of C2S-Scale (table 1, §4.2). :func:`duality` scores their results by hidden genes or
    cells.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.predict(adata, ("sensitivity", {"drug": "panobinostat"}))
    >>> adata.obsm["sensitivity_probabilities"].shape
    (20, 2)
    """
    chosen = to_task(task)
    builder = builder_of(type(chosen))
    if not builder.labels_groups and not isinstance(chosen, LabelTask):
        raise ValueError(
            f"the task {chosen.name!r} does not label cells one by one, or groups of cells: tl.predict takes label "
            "tasks only"
        )
    if labels is not None:
        chosen = replace(chosen, labels=labels)  # type: ignore[call-arg]
    if builder.labels_groups:
        chosen, groupby = with_groups(chosen, groupby)
    method = method or ("score" if builder.lists_answers else "generate")
    key_added = chosen.name if key_added is None else key_added
    if key_added == getattr(chosen, "truth", None):
        raise ValueError(f"obs[{key_added!r}] has the true labels of the task: pass another key_added=")
    model, spec = resolve_model(model, chosen.name)
    sampling, number = sampling or Sampling(), seed(rng)
    check_context(adata, context, mod)
    check_label_arguments(adata, mod, method, groupby, unknown, sampling, several=builder.labels_groups)
    fields = Fields(obs=adata_keys.label_columns(key_added), obsm=(adata_keys.probabilities(key_added),))
    check_new_fields(modality(adata, mod), key_added, fields)
    check_not_corrected(modality(adata, mod), key_added)
    result, data = writable(adata, mod, copy=copy)
    cells = ModelCells(data, spec, sentence_key=sentence_key, context=context, layer=layer, use_raw=use_raw)
    examples = build(chosen, cells)
    names = examples.labels
    probability_columns(data, names)
    if builder.labels_groups:
        check_group_labels(examples, method)

    engine = load(model)
    cells.store()
    usage, answers = UsageMeter(engine), AnswerTable()
    threshold = (unknown or 0.0) if method == "score" or groupby is not None else None
    if builder.labels_groups:
        found = label_groups(engine, examples, method, sampling, number, threshold or 0.0, answers=answers)
    else:
        found = _label_cells(engine, examples, method, sampling, number, groupby, answers)
    status = found.predictions.status
    warn_not_answered(int((status == adata_keys.NOT_ANSWERED).sum()), data.n_obs)
    answers.warn_unreadable(key_added)

    drop_written(data, key_added)
    write_labels(data, key_added, found.predictions, found.names, threshold)
    if found.by_label is not None:
        write_probabilities(data, key_added, found.by_label, list(names))
    data.uns[key_added] = (
        provenance(
            engine,
            task=chosen.name,
            task_version=chosen.version,
            **examples.settings(),
            labels=list(names),
            method=method,
            groupby=groupby,
            unknown=unknown or 0.0,
            context=stored_context(context),
            n_genes=cells.n_genes,
            **sampling_settings(sampling, method),
            sentence_key=sentence_key,
            rng=number,
            usage=usage.read() or None,
            **new_fields(data, fields),
        )
        | answers.in_uns()
        | answers.reasoning(cells.sentences.genes, engine)
        | found.tables
    )
    logger.info("wrote obs[%r]: %s", key_added, column(data, adata_keys.status(key_added)).value_counts().to_dict())
    return result if copy else None


def _label_cells(
    model: LanguageModel,
    examples: Any,
    method: Method,
    sampling: Sampling,
    number: int,
    groupby: Any,
    answers: AnswerTable,
) -> LabelledCells:
    """The label of each cell; one label a group of cells with ``groupby``."""
    vote = groupby is not None
    predictions = predict_labels(model, examples, method, sampling, number, answers=answers, vote=vote)
    if groupby is not None:
        predictions = pool_by_group(predictions, text_column(examples.cells.adata, groupby), len(examples.labels))
    return LabelledCells(predictions, list(examples.labels))
