"""Explain predicted labels by the genes that decided."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._validation import positive_integer
from ..cells import adata_keys, label_groups, seed, writable
from ..examples import (
    LabelExamples,
    ModelCells,
    build,
    builder_of,
    param_context,
    param_list,
    result_params,
    task_class,
)
from ..models import LanguageModel, load
from ..tasks import Annotation, LabelTask
from ._evidence_tables import evidence_tables, explained_groups
from ._model import provenance, reference_classifier, resolve_model
from ._occlusion import Occlusion
from ._result_sentences import result_sentences

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def explain(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    model: str | Path | LanguageModel | None = None,
    *,
    groupby: str | None = None,
    n_genes: int = 10,
    n_cells: int = 10,
    sentence_key: str | None = None,
    mod: str = "rna",
    rng: int | np.random.Generator = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Explain predicted labels: the genes that decided, the runner-up label, and the marker genes of each group.

    A gene counts by how much the log-probability of the label falls when the gene is hidden from the cell sentence.
    The probability is that of :func:`annotate`, with its labels, context and reference classifier. Some cells of each
    group are read; :func:`sc_duality.pl.evidence` draws the result, :func:`sc_duality.get.evidence` reads it.

    Parameters
    ----------
    adata
        Cells with labels of :func:`annotate`, :func:`predict` or :func:`sensitivity`.
    key
        The predictions.
    model
        The model that scores, see :func:`annotate`. By default ``sd.settings.model``, which must be the model that
        predicted. It must give log-likelihoods: a local model, or a server of vLLM.
    groupby
        ``obs`` column of clusters, each explained by its most frequent label. By default the cells of a label are a
        group.
    n_genes
        Genes of each group in the result, by drop and by contrast.
    n_cells
        Cells of each group that are read, a random sample of those with its label. More cells give steadier figures
        and take longer: the embedded model needs a few seconds a group.
    sentence_key
        Where the cell sentences lie; by default where the predictions were made from.
    mod
        Modality of a MuData.
    rng
        Seed of the samples. The sample of a group does not depend on the other groups.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``uns[key]["evidence"]``
        ``genes``: DataFrame with one row a gene and group. ``drop`` is the mean fall of the label's log-probability
        in nats when the gene is hidden, ``contrast`` the mean fall against the log-probability of the runner-up:
        without the genes of high contrast, the cells would come closest to the runner-up. Cells without the gene count
        as 0. ``rank`` and ``contrast_rank`` order both; ``fraction`` is the share of the cells of the group that
        express the gene, ``is_marker`` whether it is one of the ``n_genes`` most differentially expressed genes of the
        group.
        ``groups``: DataFrame with one row a group: its label and runner-up with their mean probabilities, the number
        of cells, of those with the label, and of those that were read, and the marker genes.
        ``expression``: DataFrame with the share of expressing cells and the mean expression of these genes in each
        group.
        ``params``: model, fingerprint, versions and all settings.

    Raises
    ------
    KeyError
        There are no such predictions, their sentences are lost, or this package did not write them.
    ValueError
        No group has a label that can be scored, the model is another one than that which predicted, or gives no
        log-likelihoods.

    Notes
    -----
    Occlusion: the genes of three cells of a group are hidden one by one; those that count most are then hidden from
    all ``n_cells`` cells. A hidden gene leaves the sentence, and later genes move up. Two genes that say the same can
    both have a small drop. Labels that a general model gave to clusters, in one prompt a cluster, are explained by the
    prompts of single cells.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[::12].copy()
    >>> sd.pp.cell_sentences(adata, n_genes=50)  # fewer genes to hide take less time
    >>> sd.tl.annotate(adata, labels="blood")
    >>> sd.tl.explain(adata, n_cells=3)
    >>> genes = sd.get.evidence(adata, group="B cell")["gene"]
    >>> bool({"CD74", "CD79A", "MS4A1"} & set(genes))
    True
    """
    n_genes, n_cells = positive_integer("n_genes", n_genes), positive_integer("n_cells", n_cells)
    result, data = writable(adata, mod, copy=copy)
    number, params = seed(rng), result_params(data, key)
    builder = builder_of(task_class(params["task"]))
    if not issubclass(task_class(params["task"]), LabelTask) or not param_list(params, "labels"):
        raise ValueError(f"obs[{key!r}] did not choose among labels: only labels of annotate and predict are explained")
    groups = label_groups(data, key, groupby)
    chosen, spec = resolve_model(model, params["task"])
    if model is None and spec.name != params.get("model"):
        raise ValueError(f"obs[{key!r}] was predicted by the model {params.get('model')!r}: pass it as model=")
    sentence_key = result_sentences(data, key, sentence_key)
    context = param_context(params)
    cells = ModelCells(data, spec, sentence_key=sentence_key, n_genes=int(params["n_genes"]), context=context)
    examples: LabelExamples = build(builder.task_from_params(params), cells)
    sampled = explained_groups(data, key, groups, cells, examples, n_cells, number)
    ensemble = params["task"] == Annotation.name and params.get("method") == "score"
    classifier = reference_classifier(cells) if ensemble else None

    engine = load(chosen)
    rows = [row for group in sampled for row in group.read]
    shown = [example for row in rows for example in examples.predict(slice(row, row + 1)) if example is not None]
    further = cells if classifier is None or classifier.genes is None else cells.with_genes(classifier.genes)
    try:
        occlusion = Occlusion(engine, examples, classifier, shown, further.genes(rows))
    except ValueError as error:
        error.add_note("sd.tl.explain needs log-likelihoods: pass a local model, or a server of vLLM, as model=")
        raise
    tables = evidence_tables(data, key, groupby, sampled, occlusion, further, examples, n_genes)
    kept = provenance(engine, groupby=groupby, n_genes=n_genes, n_cells=n_cells, sentence_key=sentence_key, rng=number)
    if kept[adata_keys.PARAMS]["fingerprint"] != params.get("fingerprint"):
        logger.warning("obs[%r] was predicted by another model or other weights than those that explain it", key)
    data.uns[key] = {**data.uns[key], adata_keys.EVIDENCE: {**tables, **kept}}
    logger.info("wrote uns[%r]['evidence']: genes that decided the labels of %d groups", key, len(sampled))
    return result if copy else None
