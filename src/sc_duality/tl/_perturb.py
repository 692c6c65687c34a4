"""Predict the response of every cell to a perturbation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..cells import adata_keys, in_memory, modality, seed, written_fields
from ..examples import (
    Context,
    ModelCells,
    check_context,
    perturbation_options,
    stored_context,
    to_json,
    to_perturbation,
)
from ..models import LanguageModel, Sampling, load
from ..tasks import Perturbation, Response, ResponseExample
from ._generated_cells import add_sentences, check_keys, expression, generate_cells, output_genes, to_anndata, with_line
from ._model import provenance, resolve_model, warn_not_answered

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Layer with the control cells, next to the predicted cells in ``X``.
CONTROL = "control"


def perturb(
    adata: AnnData | MuData,
    perturbation: Perturbation | Sequence[str],
    model: str | Path | LanguageModel | None = None,
    *,
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

    The model reads the sentence of a control cell and the perturbation, and generates the sentence of the treated cell.
    Both become expression by the same line, and are compared over the same number of genes: the number that was
    predicted. Otherwise every gene beyond a shorter sentence would seem to fall.

    Parameters
    ----------
    adata
        Control cells; nothing is written into it. Cell sentences are computed if there are none.
    perturbation
        A :class:`sc_duality.tasks.Perturbation`, or its fields in order (operation, target, dose, time), such as
        ``("knockdown", "STAT1")``. A model that lists its perturbations, as the embedded one does, accepts no other.
    model
        See :func:`annotate`.
    context
        ``obs`` columns with facts about each cell for a general model, such as ``["tissue", "disease"]``.
    n_genes
        Genes of a cell that the model reads and predicts, at most; by default what it was trained on.
    layer, use_raw
        See :func:`annotate`.
    sampling
        Temperature (1 by default), ``top_p`` and ``max_tokens``.
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
        Predicted cells: CSR float32, log10(1 + counts per 10,000), by the expression line of ``adata``, else the
        model's, else one fitted to ``adata``.
    ``layers["control"]``
        Control cells in the same units, from as many of their genes as were predicted.
    ``var[key_added + "_change"]``
        Mean of ``X`` − ``layers["control"]`` over cells with status ``"ok"``, in log10; NaN without such cells. 0 for a
        gene that neither side names.
    ``obs[key_added]``
        The perturbation (categorical).
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"no genes"`` (the model knows no gene of the control cell), ``"not answered"``, or why the
        completion could not be read. Only ``"ok"`` cells have genes in ``X`` and ``layers["control"]``.
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
    The primal task of CellDuality's response (§3.1, table 1; §3.4.1).

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
    model, spec = resolve_model(model, Response.name)
    requested = to_perturbation(perturbation)
    options = perturbation_options(spec, requested)
    cells = ModelCells(
        data, spec, sentence_key=sentence_key, n_genes=n_genes, context=context, layer=layer, use_raw=use_raw
    )
    genes = with_line(output_genes(data, spec, cells.sentences), data, cells.sentences)
    task = Response().for_model(spec.prompt_format, frozenset(genes.gene_index))
    sampling = sampling or Sampling()
    max_tokens = spec.max_new_tokens(cells.n_genes)
    params = sampling.params(temperature=1.0, max_tokens=max_tokens, seed=seed(rng))
    control = cells.genes()
    questions = [
        task.question(
            ResponseExample(genes=tuple(shown), perturbation=requested, options=tuple(options), context=facts)
        )
        if shown
        else None
        for shown, facts in zip(control, cells.context(slice(0, data.n_obs)), strict=True)
    ]

    engine = load(model)
    found = generate_cells(engine, questions, map(len, control), params)
    found.status[~cells.readable] = cells.status[~cells.readable]
    obs = in_memory(data.obs).drop(columns=list(written_fields(data, key_added).obs), errors="ignore")
    obs[key_added] = pd.Categorical([str(requested)] * data.n_obs)
    width = cells.n_genes
    result = to_anndata(found, obs, genes, n_genes=width, sentence_key=sentence_key, key_added=key_added)
    as_long = [shown[: len(cell)] for shown, cell in zip(control, found.cells, strict=True)]
    result.layers[CONTROL] = expression(as_long, result, genes, width)
    add_sentences(result, control, genes, n_genes=width, sentence_key=adata_keys.control(sentence_key))
    result.var[adata_keys.change(key_added)] = _mean_change(result, found.status == adata_keys.OK)
    result.uns[key_added] = provenance(
        engine,
        task=task.name,
        task_version=task.version,
        perturbation=str(requested),
        options=[str(option) for option in options],
        options_json=to_json(options),
        context=stored_context(context),
        n_genes=width,
        temperature=params.temperature,
        top_p=params.top_p,
        max_tokens=params.max_tokens,
        sentence_key=sentence_key,
        rng=params.seed,
        columns=list(adata_keys.generated_columns(key_added)),
        arrays=[],
    )
    warn_not_answered(int((found.status == adata_keys.NOT_ANSWERED).sum()), result.n_obs)
    status = result.obs[adata_keys.status(key_added)].value_counts().to_dict()
    logger.info("predicted %d cells: %s", result.n_obs, status)
    return result


def _mean_change(predicted: AnnData, ok: np.ndarray) -> np.ndarray:
    """Mean change of each gene over these cells."""
    if not ok.any():
        return np.full(predicted.n_vars, np.nan)
    difference = predicted.X[ok] - predicted.layers[CONTROL][ok]
    return np.asarray(difference.mean(axis=0), dtype=float).ravel()
