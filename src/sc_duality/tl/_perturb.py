"""Predict how every cell answers to a perturbation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import pp
from .._settings import settings
from ..cells import adata_keys, in_memory, modality, seed
from ..models import LanguageModel, SamplingParams, load, resolve
from ..tasks import Perturbation, Response, response_example
from ._answers import NOT_ANSWERED, OK
from ._ask import check_task, context_of, genes_asked, provenance, report_unanswered, sentences_for
from ._cells import Frame, add_sentences, frame_of, to_anndata, written
from ._perturbations import candidates, perturbation_of, stored

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Layer with the control cells, beside the predicted ones in ``X``.
BEFORE = "control"


def perturb(
    adata: AnnData | MuData,
    perturbation: Perturbation | Sequence[str],
    model: str | Path | LanguageModel | None = None,
    *,
    n_genes: int | None = None,
    context: Sequence[str] = (),
    temperature: float = 1.0,
    top_p: float = 1.0,
    max_tokens: int | None = None,
    key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.RESPONSE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
) -> AnnData:
    """Predict every cell after a perturbation, with a language model that reads the cell before it.

    The model is shown the sentence of a control cell and told what is done to it, and writes the sentence of the cell
    afterwards. Both are turned into expression with one line and compared at one length, the number of genes that was
    predicted, which is never more than the model was shown: else whatever a shorter sentence lacks would seem to fall.

    Parameters
    ----------
    adata
        Control cells. Sentences are written first if there are none, as in :func:`annotate`.
    perturbation
        What is done: a :class:`sc_duality.tasks.Perturbation`, or its fields in order (operation, target, dose, time),
        such as ``("knockdown", "STAT1")``. A model that lists what it knows, as the embedded one does, knows nothing
        else; general models take anything.
    model
        Who predicts: see :func:`sc_duality.models.load`. The model inside this package by default.
    n_genes
        Genes of a cell that the model is shown and that count of its answer, at most; by default what the model is
        made for.
    context
        Columns of ``obs`` with facts that a general model is told, such as ``["tissue", "disease"]``.
    temperature, top_p
        How freely to draw; at 0, the likeliest gene each time.
    max_tokens
        How much to write at most; by default what ``n_genes`` genes need.
    key
        Where the cell sentences lie, and where the predicted ones are written.
    key_added
        Name of what else is written.
    mod
        Modality of a MuData.
    rng
        Seed of the draws, or a generator.

    Returns
    -------
    A new AnnData with one predicted cell for each cell of ``adata``, and ``obs_names``, ``obs`` and ``var`` of those:

    ``X``
        The predicted cell: CSR float32, log10(1 + counts per 10,000), rebuilt by
        :func:`sc_duality.pp.reconstruct_expression`. The line is that of ``adata``, else the model's own; where
        there is neither, ``adata`` is fitted first with :func:`sc_duality.pp.fit_expression`.
    ``layers["control"]``
        The control cell in the same units, rebuilt from as many of its genes as were predicted.
    ``var[key_added + "_change"]``
        Mean of ``X`` − ``layers["control"]`` over the cells with status ``"ok"``, so in units of log10; NaN if there
        is none. A gene that neither side names has 0.
    ``obs[key_added]``
        What was done, in words (categorical).
    ``obs[key_added + "_status"]``
        ``"ok"``, ``"no genes"`` (the model knows no gene of the control cell), ``"not answered"`` (it gave no answer,
        as an endpoint that failed), or why what it wrote could not be read.
        Only cells that are ``"ok"`` have genes in ``X`` and in ``layers["control"]``.
    ``obs[key_added + "_n_unknown_genes"]``, ``obs[key_added + "_n_duplicate_genes"]``
        How many names were no gene of ``adata``'s sentences, and how many genes were named again; 0 where the text
        could not be read.
    ``obsm[key]``, ``obsm[key + "_control"]``, and ``uns`` of both
        Sentences of the predicted cells, and of the control cells as the model was shown them, over the vocabulary of
        ``adata``.
    ``uns[key_added]``
        ``params``: the model, its fingerprint, versions and all settings; ``candidates`` are the perturbations that
        :func:`sc_duality.tl.duality` chooses from.

    Raises
    ------
    ValueError, KeyError, TypeError
        If something in the input cannot be used, before the model is loaded; says what and how to mend it.

    Notes
    -----
    The primal side of CellDuality's response task (§3.1, table 1; §3.4.1).

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
    asked = settings.model if model is None else model
    spec = resolve(asked)
    check_task(spec, Response.name)
    done = perturbation_of(perturbation)
    choices = candidates(spec, done)
    facts = context_of(data, context)
    n_genes = genes_asked(spec, n_genes)
    max_tokens = spec.max_new_tokens(n_genes) if max_tokens is None else max_tokens
    sampling = SamplingParams(max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed(rng))
    before = sentences_for(data, spec, key=key, n_genes=n_genes).genes()
    frame = frame_of(data, spec, key)
    if not frame.line:
        pp.fit_expression(data, sentence_key=key)
        frame = frame_of(data, spec, key)
    task = Response(spec.prompt_format, known_genes=frozenset(frame.place))

    examples = [
        response_example(genes, done, choices, context=fact) if genes else None
        for genes, fact in zip(before, facts.of(slice(0, data.n_obs)), strict=True)
    ]
    engine = load(asked)
    found = written(engine, task, examples, map(len, before), sampling)

    obs = in_memory(data.obs).drop(
        columns=[adata_keys.duality(key_added), adata_keys.confidence(key_added)], errors="ignore"
    )
    obs[key_added] = pd.Categorical([str(done)] * data.n_obs)
    result = to_anndata(found, obs, frame, n_genes=n_genes, key=key, key_added=key_added)
    _add_before(result, before, found.cells, frame, n_genes=n_genes, key=adata_keys.control(key))
    result.var[adata_keys.change(key_added)] = _change(result, found.status == OK)
    result.uns[key_added] = provenance(
        engine,
        task.prompt_format,
        task=task.name,
        task_version=task.version,
        perturbation=str(done),
        candidates=[str(one) for one in choices],
        candidates_json=stored(choices),
        context=list(context) or None,
        key=key,
        n_genes=n_genes,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        rng=sampling.seed,
    )
    report_unanswered(int((found.status == NOT_ANSWERED).sum()), result.n_obs)
    logger.info(
        "predicted %d cells: %s", len(before), result.obs[adata_keys.status(key_added)].value_counts().to_dict()
    )
    return result


def _add_before(
    predicted: AnnData,
    before: Sequence[Sequence[str]],
    after: Sequence[Sequence[str]],
    frame: Frame,
    *,
    n_genes: int,
    key: str,
) -> None:
    """Sentences of the control cells as they were shown, and their expression as far as the prediction goes."""
    as_long = [genes[: len(cell)] for genes, cell in zip(before, after, strict=True)]
    add_sentences(predicted, as_long, frame, n_genes=n_genes, key=key)
    pp.reconstruct_expression(predicted, sentence_key=key, key_added=BEFORE)
    add_sentences(predicted, before, frame, n_genes=n_genes, key=key)


def _change(predicted: AnnData, ok: np.ndarray) -> np.ndarray:
    """Mean change of each gene over these cells."""
    if not ok.any():
        return np.full(predicted.n_vars, np.nan)
    difference = predicted.X[ok] - predicted.layers[BEFORE][ok]
    return np.asarray(difference.mean(axis=0), dtype=float).ravel()
