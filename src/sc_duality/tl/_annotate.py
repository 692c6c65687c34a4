"""Predict the cell type of every cell."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cells import (
    Fields,
    adata_keys,
    check_columns,
    check_new_fields,
    column,
    drop_written,
    modality,
    new_fields,
    seed,
    text_column,
    writable,
)
from ..examples import ModelCells, build
from ..models import LanguageModel, ReferenceClassifier, Sampling, load, read_reference_classifier, reference_genes
from ..tasks import Annotation
from ._label_columns import probability_columns, write_cell_types, write_labels
from ._label_predictions import pool_by_group
from ._model import provenance, resolve_model, sampling_settings, warn_not_answered
from ._predict_labels import Method, check_label_arguments, check_model_options, predict_labels

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def annotate(
    adata: AnnData | MuData,
    model: str | Path | LanguageModel | None = None,
    *,
    labels: Sequence[str] | str | None = None,
    groupby: str | None = None,
    method: Method = "score",
    unknown: float | None = None,
    context: Sequence[str] = (),
    n_genes: int | None = None,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.ANNOTATION,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Predict the cell type of every cell with a language model that reads its cell sentence.

    By default every label is scored by its log-likelihood after the cell sentence. The model reads each cell once and
    generates no text, so the prediction is always one of the labels and has a probability.

    Parameters
    ----------
    adata
        Cells, in memory, backed or lazy. Cell sentences are computed from ``X`` if there are none; to rank a layer or
        ``.raw``, call :func:`sc_duality.pp.cell_sentences` first. :func:`sc_duality.io.write_results` writes results
        into the file of backed data.
    model
        Name, folder, hub repository, endpoint or loaded model, see :func:`sc_duality.models.load`. The model inside
        this package by default.
    labels
        Cell types to choose from: a list, an ``obs`` column whose values are taken, or a label set of the model (the
        embedded model has ``"blood"``, ``"pancreas"``, ``"lung"``, ``"heart"`` and ``"retina"``). By default all types
        that the model knows.
    groupby
        ``obs`` column of clusters. All cells of a cluster get one label: the one with the highest summed
        log-probability, or the most votes if the model generates text. Fine clusters of one type each work best.
    method
        ``"score"`` compares log-likelihoods; if the model has a reference classifier (the embedded model does), its
        probabilities are averaged with the model's. ``"generate"`` reads the label from generated text, with optional
        reasoning. ``"choose"`` generates one of ``labels``, for servers without log-likelihoods. Only ``"score"`` gives
        probabilities.
    unknown
        A cell is ``"unknown"`` if its confidence times its in-distribution probability is below this; 0 labels every
        cell. By default the threshold of the model: the embedded model's keeps at least 90 % of the cells of every
        study, on donors held out of training.
    context
        ``obs`` columns with facts about each cell for a general model, such as ``["tissue", "disease"]``. The embedded
        model reads genes only.
    n_genes
        Genes of a cell sentence that the model reads; by default what it was trained on.
    sampling
        Temperature and ``max_tokens`` of ``"generate"`` and ``"choose"``; temperature 0 by default. With ``n_samples``
        above 1, several labels are sampled for each cell and the one with the best duality score is kept.
    sentence_key
        Where the cell sentences lie.
    key_added
        Name of the result.
    mod
        Modality of a MuData.
    rng
        Seed of sampling.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key_added]``
        Cell type (categorical); missing without a prediction.
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"unknown"``, ``"no genes"`` (the model knows no gene of the cell), ``"few known genes"`` (fewer than
        5, or than 20 % of its sentence: empty droplets, cells of another species), ``"no group"`` (``groupby`` is
        missing), ``"not answered"`` (the model gave no answer; calling again queries only those), or why the generated
        text could not be read.
    ``obs[key_added + "_confidence"]``
        Probability of the label among ``labels``; with ``groupby``, its mean over the cluster, or the share of votes.
        Not written for ``"generate"`` and ``"choose"`` without ``groupby``.
    ``obs[key_added + "_in_distribution"]``
        Probability that the cell is like the training cells of the model, from the cosine similarity to its reference
        cells; only with ``"score"`` and a reference classifier. The mean over the cluster with ``groupby``.
    ``obsm[key_added + "_probabilities"]``
        With ``"score"``: DataFrame (n_obs, n_labels). A row sums to 1, or to less by the probability that the cell is
        none of the types, for a model that was trained to predict that (the embedded one).
    ``obs[key_added + "_ontology_term_id"]``
        Cell Ontology term of the label (categorical), if the model knows one for any of ``labels``.
    ``obs[key_added + "_coarse"]``, ``obs[key_added + "_coarse_confidence"]``
        Coarse type, such as ``"T cell"``, if the model knows that of all ``labels``. With ``"score"`` it is the type
        with the highest summed probability, and that sum. A cell can be ``"unknown"`` and still be a ``"T cell"``.
    ``obs[key_added + "_coarse_ontology_term_id"]``
        Cell Ontology term of the coarse type.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none: see :func:`sc_duality.pp.cell_sentences`.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used; raised before the model is loaded.

    Notes
    -----
    The primal task of CellDuality's annotation (§3.1, table 1). :func:`duality` scores the predictions.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:20].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> is_t_cell = adata.obs["annotation_coarse"] == "T cell"
    >>> set(adata.obs["annotation_coarse_ontology_term_id"][is_t_cell])
    {'CL:0000084'}
    >>> adata.obsm["annotation_probabilities"].shape
    (20, 8)
    """
    fields = Fields(
        obs=adata_keys.label_columns(key_added) + adata_keys.cell_type_columns(key_added),
        obsm=(adata_keys.probabilities(key_added),),
    )
    sampling, number = sampling or Sampling(), seed(rng)
    check_columns(adata, context, "context", mod)
    check_label_arguments(adata, mod, method, groupby, unknown, sampling)
    check_new_fields(modality(adata, mod), key_added, fields)
    result, data = writable(adata, mod, copy=copy)
    model, spec = resolve_model(model, Annotation.name)
    cells = ModelCells(data, spec, sentence_key=sentence_key, n_genes=n_genes, context=context)
    examples = build(Annotation(labels=labels), cells)
    names = examples.labels
    check_model_options(examples, method, sampling)
    probability_columns(data, names)
    classifier = _reference_classifier(cells) if method == "score" else None

    engine = load(model)
    cells.store()
    predictions = predict_labels(engine, examples, method, sampling, number, classifier)
    warn_not_answered(int((predictions.status == adata_keys.NOT_ANSWERED).sum()), data.n_obs)
    if groupby is not None:
        predictions = pool_by_group(predictions, text_column(data, groupby), len(names))

    cutoff = spec.known("annotation", "unknown", 0.0) if unknown is None else unknown
    threshold = cutoff if method == "score" or groupby is not None else None
    drop_written(data, key_added)
    write_labels(data, key_added, predictions, list(names), threshold)
    write_cell_types(data, key_added, predictions, list(names.values()), spec, threshold)
    data.uns[key_added] = provenance(
        engine,
        task=Annotation.name,
        task_version=Annotation.version,
        labels=list(names),
        method=method,
        groupby=groupby,
        unknown=cutoff,
        context=list(context) or None,
        n_genes=cells.n_genes,
        **sampling_settings(sampling, method),
        sentence_key=sentence_key,
        rng=number,
        **new_fields(data, fields),
    )
    logger.info("wrote obs[%r]: %s", key_added, column(data, adata_keys.status(key_added)).value_counts().to_dict())
    return result if copy else None


def _reference_classifier(cells: ModelCells) -> ReferenceClassifier | None:
    """The reference classifier of the model for these cells, if it has one."""
    if not cells.spec.known(Annotation.name, "in_distribution"):
        return None
    genes = frozenset(reference_genes(cells.spec))
    seen = cells if genes == cells.spec.genes else cells.with_genes(genes)
    return read_reference_classifier(cells.spec, seen.measured_genes())
