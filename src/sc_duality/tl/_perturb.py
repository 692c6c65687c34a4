"""Predict the response of every cell to a perturbation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from ..cells import adata_keys, in_memory, modality, seed, written_fields
from ..examples import (
    Context,
    check_context,
    perturbation_options,
    stored_context,
    to_json,
    to_perturbation,
    warn_untrained,
)
from ..models import LanguageModel, Sampling, load
from ..tasks import Perturbation
from ._generated_cells import GeneratedCells, add_sentences, check_keys, to_anndata
from ._mean_response import mean_response
from ._model import check_context_length, provenance, warn_not_answered
from ._response_form import response_model

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def perturb(
    adata: AnnData | MuData,
    perturbation: Perturbation | Sequence[str],
    model: str | Path | LanguageModel | None = None,
    *,
    form: Literal["changes", "cell"] | None = None,
    context: Context = (),
    n_genes: int | None = None,
    layer: str | None = None,
    use_raw: bool | None = None,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.RESPONSE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
) -> AnnData:
    """Predict the response of every cell to a perturbation with a language model that reads the control cell.

    The model reads the sentence of a control cell and the perturbation. In the form ``"changes"`` it generates the
    genes that rise and the genes that fall, largest change first; ranks become log fold changes by the lines that were
    fitted in training, and are added to the control cell. In the form ``"cell"`` it generates the sentence of the
    treated cell, which becomes expression by the same line as the control sentence; both are compared over the same
    number of genes.

    Parameters
    ----------
    adata
        Control cells; nothing is written into it. Cell sentences are computed if there are none.
    perturbation
        A :class:`sc_duality.tasks.Perturbation`, or its fields in order (operation, target, dose, time), such as
        ``("knockdown", "STAT1")``. A model with gene tokens accepts only the perturbations that it knows, and
        operations that it knows on any of its genes.
    model
        See :func:`annotate`; by default the model inside the package for this form: ``"embedded-response"`` for gene
        changes, ``"embedded"`` for whole cells.
    form
        ``"changes"`` or ``"cell"``. By default gene changes if the model was trained on them.
    context
        ``obs`` columns with facts about each cell for a general model, such as ``["tissue", "disease"]``.
    n_genes
        Genes of a cell that the model reads, at most, and predicts in the form ``"cell"``; by default what it was
        trained on.
    layer, use_raw
        See :func:`annotate`.
    sampling
        Temperature (1 by default), ``top_p``, ``max_tokens``, and ``n_samples``, the number of predictions of the
        changes of a cell, whose mean is taken.
    sentence_key
        Where the cell sentences lie, and where the predicted ones are written.
    key_added
        Name of the result.
    mod
        Modality of a MuData.
    rng
        Seed of sampling, or a generator.

    Returns
    -------
    A new AnnData with one predicted cell for each cell of ``adata``, and its ``obs_names``, ``obs`` and ``var``:

    ``X``
        Predicted cells: CSR float32, log10(1 + counts per 10,000). As a cell: by the expression line of ``adata``, else
        the model's, else one fitted to ``adata``. As changes: control + change, at least 0.
    ``layers["control"]``
        Control cells in the same units: as a cell, rebuilt from as many of their genes as were predicted.
    ``layers["change"]``
        Predicted change of each gene.
    ``var[key_added + "_change"]``, ``var[key_added + "_change_sd"]``
        Mean and standard deviation of the change over all predictions with status ``"ok"``, in log10; NaN without any.
        0 for a gene that no prediction names.
    ``var[key_added + "_up"]``, ``var[key_added + "_down"]``
        Share of these predictions in which the gene rises or falls. See :func:`sc_duality.get.gene_changes`.
    ``obs[key_added]``
        The perturbation (categorical).
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"no genes"`` (the model knows no gene of the control cell), ``"not answered"``, or why the
        completion could not be read. Only ``"ok"`` cells have genes in ``X`` and the layers.
    ``obs[key_added + "_n_unknown_genes"]``, ``obs[key_added + "_n_duplicate_genes"]``
        Names that are not a gene of ``adata``'s sentences, and genes named again.
    ``obsm[sentence_key]``, ``obsm[sentence_key + "_vocabulary"]``, ``uns[sentence_key]``
        Sentences of the predicted cells over the vocabulary of ``adata``.
    ``obsm[sentence_key + "_control"]``, ``obsm[sentence_key + "_control_vocabulary"]``
        Sentences of the control cells.
    ``uns[sentence_key + "_control"]``
        Their vocabulary and settings.
    ``uns["log1p"]``
        Base and total (``target_sum``) of the logarithms in ``X``, for scanpy and :func:`sc_duality.pp.fit_expression`.
    ``uns[key_added]``
        ``params``: model, fingerprint, versions and all settings; ``options`` are the perturbations that
        :func:`duality` chooses from.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used; raised before the model is loaded.

    Notes
    -----
    The primal task of CellDuality's response (§3.1, table 1; §3.4.1); gene changes are the delta sentences of C2S-Scale
    (§4.9). A model that was not trained on gene changes has no lines from rank to fold change: a usual line stands in.

    Examples
    --------
    >>> import sc_duality as sd
    >>> control = sd.datasets.pbmc3k()[:5].copy()
    >>> adata = sd.tl.perturb(control, ("cytokine", "IFNB1"), n_genes=10)
    >>> adata.shape == control.shape
    True
    >>> adata.obs["perturbation"].unique().tolist()
    ['cytokine IFNB1']
    """
    data = modality(adata, mod)
    check_keys(sentence_key, key_added, data)
    check_context(adata, context, mod)
    (model, spec, make_query), requested = response_model(model, form), to_perturbation(perturbation)
    options = perturbation_options(spec, requested)
    warn_untrained(spec, [requested])
    query = make_query(
        data, spec, sentence_key=sentence_key, n_genes=n_genes, context=context, layer=layer, use_raw=use_raw
    )
    sampling = sampling or Sampling()
    query.check_samples(sampling.n_samples)
    params = sampling.params(temperature=1.0, max_tokens=query.max_tokens, seed=seed(rng))
    check_context_length(spec, params.max_tokens, query.cells)

    engine = load(model)
    [samples] = query.predict(engine, [requested], params, sampling.n_samples)
    predicted, changes = mean_response(samples)
    obs = in_memory(data.obs).drop(columns=list(written_fields(data, key_added).obs), errors="ignore")
    obs[key_added] = pd.Categorical([str(requested)] * data.n_obs)
    width, task = query.cells.n_genes, query.task
    cells = GeneratedCells(
        query.sentences(predicted), predicted.status, predicted.n_unknown_genes, predicted.n_duplicate_genes
    )
    result = to_anndata(cells, obs, query.genes, n_genes=width, sentence_key=sentence_key, key_added=key_added)
    add_sentences(result, query.control, query.genes, n_genes=width, sentence_key=adata_keys.control(sentence_key))
    result.X, result.layers[adata_keys.CONTROL_LAYER] = predicted.X, predicted.control
    result.layers[adata_keys.CHANGE_LAYER] = predicted.change
    for column, values in zip(adata_keys.change_columns(key_added), changes, strict=True):
        result.var[column] = values
    result.uns[key_added] = provenance(
        engine,
        task=task.name,
        task_version=task.version,
        perturbation=str(requested),
        options=[str(option) for option in options],
        options_json=to_json(options),
        context=stored_context(context),
        n_genes=width,
        n_samples=sampling.n_samples,
        temperature=params.temperature,
        top_p=params.top_p,
        max_tokens=params.max_tokens,
        sentence_key=sentence_key,
        rng=params.seed,
        columns=list(adata_keys.generated_columns(key_added)),
        arrays=[],
    )
    warn_not_answered(int((predicted.status == adata_keys.NOT_ANSWERED).sum()), result.n_obs)
    status = result.obs[adata_keys.status(key_added)].value_counts().to_dict()
    logger.info("predicted %d cells: %s", result.n_obs, status)
    return result
