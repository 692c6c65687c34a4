"""Score earlier predictions by their dual task."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cells import adata_keys, seed, writable, written_fields
from ..duality import Duality, duality_score, scorable
from ..examples import ModelCells, build, builder_of, param_context, result_params, task_class
from ..models import LanguageModel, load
from ..tasks import LabelTask
from ._blocks import blocks
from ._model import provenance, resolve_model, warn_not_answered
from ._result_sentences import result_sentences

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def duality(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    model: str | Path | LanguageModel | None = None,
    *,
    duality: Duality | None = None,
    task: LabelTask | None = None,
    n_genes: int | None = None,
    sentence_key: str | None = None,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Score every prediction by duality: how well the input can be reconstructed from it.

    For a label, the model scores genes of the cell that the dual task hides; for a generated cell, the cell type or
    the perturbation that it was generated for. No true label is needed. The score tells how well the prediction
    explains the cell to that model, not whether it is right: a wrong label may explain a cell well.

    Parameters
    ----------
    adata
        Cells with predictions of :func:`annotate`, :func:`predict`, :func:`sensitivity`, :func:`generate` or
        :func:`perturb`.
    key
        The predictions.
    model
        The model that scores, see :func:`annotate`. It must know the labels, but need not be the model that predicted.
    duality
        Form of the score, and what the dual task hides: see :class:`sc_duality.Duality`. Generated cells have no hidden
        genes.
    task
        The label task of the predictions, if it is your own; by default the task in ``uns[key]``.
    n_genes
        Genes of a cell sentence that count; by default what the model was trained on.
    sentence_key
        Where the cell sentences lie; by default where the predictions were made from.
    mod
        Modality of a MuData.
    rng
        Seed of hidden genes and of sampling. The hidden genes of a cell depend on the seed and the cell's name, not on
        other cells.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key + "_duality"]``
        float64, higher is better: between 0 and 1, but unbounded for ``form="likelihood"``. NaN without a prediction,
        for ``"unknown"`` cells, and where the model gave no answer.
    ``uns[key]["duality"]``
        Model, fingerprint, versions and all settings.

    Raises
    ------
    KeyError
        There are no such predictions, their sentences are lost, or this package did not write them.
    ValueError
        The model does not know the task, the labels or the genes. Raised before the model is loaded.

    Notes
    -----
    In training, CellDuality rewards ``form="sample"`` (§3.4.1, equations 2 and 3). The other forms, and scoring
    predictions, are ours.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> sd.tl.duality(adata)
    >>> adata.obs["annotation_duality"].dropna().between(0, 1).all()
    np.True_
    """
    result, data = writable(adata, mod, copy=copy)
    how, number = duality or Duality(), seed(rng)
    params = result_params(data, key)
    name = adata_keys.duality(key)
    if name in data.obs and name not in written_fields(data, key).obs:
        raise ValueError(f"obs[{name!r}], where the score belongs, was not written by sc_duality: rename it")
    if task is not None and not isinstance(task, LabelTask):
        raise TypeError(f"task={task!r} is not a LabelTask: leave it out, and the task in uns[{key!r}] is scored")
    builder = builder_of(type(task) if task is not None else task_class(params["task"]))
    model, spec = resolve_model(model, builder.dual_task or params["task"])
    sentence_key = result_sentences(data, key, sentence_key)
    context = param_context(params)
    cells = ModelCells(data, spec, sentence_key=sentence_key, n_genes=n_genes, context=context)
    own = builder.task_from_params(params) if task is None else builder.with_params(task, params)
    results = build(own, cells, how).from_results(key, number)

    engine = load(model)
    units = results.unit_of_cell
    n_units, n_missing = data.n_obs if units is None else units.max() + 1, 0
    scores = np.full(n_units, np.nan)
    prompts_per_cell = {"posterior": results.n_options, "likelihood": 2, "sample": how.n_samples}[how.form]
    for rows in blocks(n_units, "duality", prompts_per_cell):
        examples, answers = results.block(rows)
        scores[rows] = duality_score(engine, results.task, examples, answers, how, number)
        n_missing += int(np.isnan(scores[rows][scorable(examples, answers)]).sum())
    warn_not_answered(n_missing, n_units)
    if units is not None:
        scores = np.append(scores, np.nan)[units]
    data.obs[name] = scores
    kept = provenance(
        engine,
        form=how.form,
        context=how.context,
        hidden_fraction=how.hidden_fraction,
        n_samples=how.n_samples,
        n_labels=how.n_labels,
        sentence_key=sentence_key,
        n_genes=cells.n_genes,
        rng=number,
    )
    data.uns[key] = {**data.uns[key], adata_keys.DUALITY: kept[adata_keys.PARAMS]}
    mean = np.nanmean(scores) if not np.isnan(scores).all() else np.nan
    logger.info("wrote obs[%r]: mean %.3f", name, mean)
    return result if copy else None
