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
    check_new_fields,
    check_not_corrected,
    column,
    drop_written,
    modality,
    new_fields,
    seed,
    writable,
)
from ..examples import Context, ModelCells, check_context, stored_context
from ..models import LanguageModel, Sampling, load
from ..tasks import Annotation
from ._cell_type_query import CellTypeQuery
from ._label_arguments import Method, check_label_arguments
from ._label_columns import probability_columns, write_cell_types, write_independent, write_labels
from ._model import provenance, resolve_model, sampling_settings, warn_not_answered
from ._text_answers import AnswerTable
from ._units import units_of
from ._usage_meter import UsageMeter

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
    unique: bool | str = False,
    unknown: float | None = None,
    context: Context = (),
    layer: str | None = None,
    use_raw: bool | None = None,
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
        Cells, in memory, backed or lazy. Cell sentences are computed if there are none; a model reads as many genes of
        them as it was trained on. :func:`sc_duality.io.write_results` writes results into the file of backed data.
    model
        Name, folder, hub repository, endpoint or loaded model, see :func:`sc_duality.models.load`. The model inside
        this package by default.
    labels
        Cell types to choose from: a list, an ``obs`` column whose values are taken, or a label set of the model (the
        embedded model has ``"blood"``, ``"pancreas"``, ``"lung"``, ``"heart"``, ``"retina"``, ``"lymphoid organs"``,
        ``"head and neck"`` and ``"colon"``). By default all types that the model knows. Its types may be written in
        other ways: plural (``"B cells"``), abbreviation (``"Treg"``), a synonym or id of the Cell Ontology. A coarser
        type, such as ``"T cell"`` or ``"lymphocyte"``, stands for all types of the model below it, and its probability
        is their sum; types that are labels of their own are left out of it. Without labels, a general model names the
        types of clusters freely, with ``method="generate"``; names of the Cell Ontology and their synonyms are written
        as its names.
    groupby
        ``obs`` column of clusters; all cells of a cluster get one label. A general model gets one prompt a cluster,
        with its differentially expressed genes, its most highly expressed genes, its size and ``context``. Other models
        (the embedded one) read every cell, and the label with the highest summed log-probability counts, or the most
        votes if the model generates text. Fine clusters of one type each work best.
    method
        ``"score"`` compares log-likelihoods; if the model has a reference classifier (the embedded model does), its
        probabilities are averaged with the model's. ``"generate"`` reads the label from generated text, with optional
        reasoning. ``"choose"`` generates one of ``labels``, for servers without log-likelihoods. Only ``"score"`` gives
        probabilities.
    unique
        Whether no two groups of ``groupby`` get the same label (Cell-o1); groups beyond the number of labels are
        ``"unknown"``. The name of an ``obs`` column tells its batches apart, such as ``"puzzle"``: no two cells, or
        groups, of a batch get the same label, and where ``labels`` names a column, a batch chooses from the values that
        it has there. With ``"score"``, the labels are those of the highest total log-probability. With ``"generate"``,
        a model reads all groups of a batch in one prompt, 15 at most, and its samples vote.
    unknown
        A cell is ``"unknown"`` if its confidence times its in-distribution probability is below this; 0 labels every
        cell. By default the threshold of the model: the embedded model's keeps at least 90 % of the cells of every
        study, on donors held out of training; 0 with ``unique``.
    context
        Facts for a general model: ``obs`` columns, such as ``["tissue", "disease"]``, or facts about all cells, such as
        ``{"tissue": "liver", "organism": "human"}``. The embedded model reads genes only.
    layer, use_raw
        The matrix that cell sentences are ranked from, see :func:`sc_duality.pp.cell_sentences`: by default ``X``, or
        ``.raw`` or a layer where ``X`` was scaled.
    sampling
        Temperature and ``max_tokens`` of ``"generate"`` and ``"choose"``; temperature 0 by default. With ``n_samples``
        above 1, several labels are sampled for each cell and the one with the best duality score is kept; with
        ``groupby`` and generated text, they are votes on the label of the cluster.
    sentence_key
        Where the cell sentences lie.
    key_added
        Name of the result. A result with labels set by hand (:func:`set_label`) is not overwritten: pass another name.
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
        Probability of the label among ``labels``; with ``groupby``, its mean over the cluster, or its share of votes.
        Not written for ``"generate"`` and ``"choose"`` without ``groupby``. With ``unique`` and ``"score"``, the
        posterior of the label among all assignments in which no two labels of a batch are the same; the probability of
        a label for a group is then the geometric mean over its cells.
    ``obs[key_added + "_nearest"]``
        With ``"score"``: the most probable label, also of a cell that is ``"unknown"``: what it is most like.
    ``obs[key_added + "_in_distribution"]``
        Probability that the cell is like the training cells of the model, from the cosine similarity to its reference
        cells; only with ``"score"`` and a reference classifier. The mean over the cluster with ``groupby``.
    ``obs[key_added + "_independent"]``, ``obs[key_added + "_independent_confidence"]``
        With ``unique`` and ``"score"``: the label that the cell or group would have without the others, and its
        probability.
    ``obsm[key_added + "_probabilities"]``
        With ``"score"``: DataFrame (n_obs, n_labels). A row sums to 1, or to less by the probability that the cell is
        none of the types, for a model that was trained to predict that (the embedded one).
    ``obs[key_added + "_ontology_term_id"]``
        Cell Ontology term of the label (categorical), if there is one for any of ``labels``.
    ``obs[key_added + "_coarse"]``, ``obs[key_added + "_coarse_confidence"]``
        Coarse type, such as ``"T cell"``, if the model knows that of all ``labels``. With ``"score"`` it is the type
        with the highest summed probability, and that sum. A cell can be ``"unknown"`` and still be a ``"T cell"``.
    ``obs[key_added + "_coarse_ontology_term_id"]``
        Cell Ontology term of the coarse type.
    ``uns[key_added + "_colors"]``, ``uns[key_added + "_coarse_colors"]``
        A colour for each category of the labels and of the coarse types, where scanpy's figures look for them: the same
        for a cell type in every result, related types near in hue, ``"unknown"`` grey.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Cell sentences, if there were none: see :func:`sc_duality.pp.cell_sentences`.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings, and ``usage`` (requests, tokens and cost of this
        call) if a server counts them. ``answers``: what the model wrote and how it was read, with ``"generate"`` and
        ``"choose"``, see :func:`sc_duality.get.answers`. ``reasoning``: its reasoning, checked against the genes that
        it was shown, see :func:`sc_duality.get.reasoning`. ``groups``: one row a cluster, if a general model labelled
        clusters, with its number of cells, label, status, confidence, runner-up, the runner-up's share of the votes or
        probability, and differentially expressed genes; with ``unique``, its batch in place of the last three.

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
    fields = Fields(obs=adata_keys.annotation_columns(key_added), obsm=(adata_keys.probabilities(key_added),))
    sampling, number = sampling or Sampling(), seed(rng)
    check_context(adata, context, mod)
    check_label_arguments(adata, mod, method, groupby, unknown, sampling, unique=unique)
    check_new_fields(modality(adata, mod), key_added, fields)
    check_not_corrected(modality(adata, mod), key_added)
    result, data = writable(adata, mod, copy=copy)
    units = units_of(data, groupby, unique, labels) if unique else None
    query = CellTypeQuery(method, groupby, units, sampling, number)
    model, spec = resolve_model(model, *query.tasks)
    cells = ModelCells(data, spec, sentence_key=sentence_key, context=context, layer=layer, use_raw=use_raw)
    examples = query.examples(labels, cells)
    options = query.names(examples, spec)
    probability_columns(data, options)
    classifier = query.classifier(examples)

    engine = load(model)
    cells.store()
    usage, answers = UsageMeter(engine), AnswerTable()
    cutoff = (0.0 if unique else spec.known("annotation", "unknown", 0.0)) if unknown is None else unknown
    threshold = cutoff if method == "score" or groupby is not None or unique else None
    found = query.predict(engine, examples, options, classifier, cutoff, answers)
    names, predictions = list(found.names), found.predictions
    warn_not_answered(int((predictions.status == adata_keys.NOT_ANSWERED).sum()), data.n_obs)
    answers.warn_unreadable(key_added)

    drop_written(data, key_added)
    write_labels(data, key_added, predictions, names, threshold)
    write_cell_types(data, key_added, predictions, list(found.names.values()), spec, threshold)
    write_independent(data, key_added, found.independent, names)
    data.uns[key_added] = provenance(
        engine,
        task=Annotation.name,
        task_version=Annotation.version,
        labels=[name for name in names if options or name != adata_keys.UNKNOWN],
        method=method,
        groupby=groupby,
        unique=unique,
        unknown=cutoff,
        context=stored_context(context),
        n_genes=cells.n_genes,
        **sampling_settings(sampling, method),
        sentence_key=sentence_key,
        rng=number,
        usage=usage.read() or None,
        **new_fields(data, fields),
    )
    data.uns[key_added] |= answers.in_uns() | answers.reasoning(cells.sentences.genes, engine) | found.tables
    logger.info("wrote obs[%r]: %s", key_added, column(data, adata_keys.status(key_added)).value_counts().to_dict())
    return result if copy else None
