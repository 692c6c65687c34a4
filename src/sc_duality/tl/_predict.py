"""Predict a label of every cell by any label task."""

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
from ..examples import Context, ModelCells, build, check_context, stored_context, to_task
from ..models import LanguageModel, Sampling, load
from ..tasks import LabelTask
from ._label_arguments import Method, check_label_arguments
from ._label_columns import probability_columns, write_labels
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
    task: str | LabelTask | tuple[str, Mapping[str, Any]],
    model: str | Path | LanguageModel | None = None,
    *,
    labels: Sequence[str] | str | None = None,
    groupby: str | None = None,
    method: Method = "score",
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
    """Predict one of several labels for every cell, by a task of the package or of your own.

    :func:`annotate` does more for cell types: coarse types, ontology terms and a reference classifier.

    Parameters
    ----------
    adata
        Cells. Cell sentences are computed if there are none, as in :func:`annotate`.
    task
        A :class:`sc_duality.tasks.LabelTask`; or the name of one, alone or with its settings, such as
        ``("sensitivity", {"drug": "cisplatin"})``.
    model
        See :func:`annotate`. A model with tasks of its own must have been trained for this one.
    labels
        Labels to choose from: a list or an ``obs`` column whose values are taken. By default those of the task, or what
        the model knows.
    groupby, method, unknown, context, layer, use_raw, sampling, sentence_key
        See :func:`annotate`. Without ``unknown``, every cell gets a label.
    key_added
        Name of the result; the name of the task by default.
    mod
        Modality of a MuData.
    rng
        Seed of sampling.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key_added]``, ``obs[key_added + "_status"]``, ``obs[key_added + "_confidence"]``
        Label, status and confidence, as :func:`annotate`.
    ``obsm[key_added + "_probabilities"]``
        With ``"score"``: DataFrame (n_obs, n_labels).
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings; ``answers``: the texts that the model generated, see
        :func:`sc_duality.get.answers`.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used; raised before the model is loaded.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.predict(adata, ("sensitivity", {"drug": "panobinostat"}))
    >>> adata.obsm["sensitivity_probabilities"].shape
    (20, 2)
    """
    chosen = to_task(task)
    if not isinstance(chosen, LabelTask):
        raise ValueError(f"the task {chosen.name!r} does not label cells one by one: tl.predict takes label tasks only")
    if labels is not None:
        chosen = replace(chosen, labels=labels)
    key_added = chosen.name if key_added is None else key_added
    if key_added == chosen.truth:
        raise ValueError(f"obs[{key_added!r}] has the true labels of the task: pass another key_added=")
    model, spec = resolve_model(model, chosen.name)
    sampling, number = sampling or Sampling(), seed(rng)
    check_context(adata, context, mod)
    check_label_arguments(adata, mod, method, groupby, unknown, sampling)
    fields = Fields(obs=adata_keys.label_columns(key_added), obsm=(adata_keys.probabilities(key_added),))
    check_new_fields(modality(adata, mod), key_added, fields)
    check_not_corrected(modality(adata, mod), key_added)
    result, data = writable(adata, mod, copy=copy)
    cells = ModelCells(data, spec, sentence_key=sentence_key, context=context, layer=layer, use_raw=use_raw)
    examples = build(chosen, cells)
    names = examples.labels
    probability_columns(data, names)

    engine = load(model)
    cells.store()
    usage, answers = UsageMeter(engine), AnswerTable()
    vote = groupby is not None
    predictions = predict_labels(engine, examples, method, sampling, number, answers=answers, vote=vote)
    warn_not_answered(int((predictions.status == adata_keys.NOT_ANSWERED).sum()), data.n_obs)
    answers.warn_unreadable(key_added)
    if groupby is not None:
        predictions = pool_by_group(predictions, text_column(data, groupby), len(names))

    threshold = (unknown or 0.0) if method == "score" or groupby is not None else None
    drop_written(data, key_added)
    write_labels(data, key_added, predictions, list(names), threshold)
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
    )
    logger.info("wrote obs[%r]: %s", key_added, column(data, adata_keys.status(key_added)).value_counts().to_dict())
    return result if copy else None
