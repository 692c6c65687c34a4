"""What all tools share: which sentences a model is shown, and what is kept about how it was asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from .. import _keys, get, pp
from ..models import ModelSpec
from ..tasks import Dialect

logger = logging.getLogger(__name__)

#: Share of the genes in the sentences that a model with a vocabulary must know.
_MIN_KNOWN = 0.2


def check_task(spec: ModelSpec, task: str) -> None:
    """Refuse a model that was not made for this task; pass on what users have to know of how it does it."""
    if task not in spec.tasks:
        raise ValueError(
            f"the model {spec.name!r} does no {task}, only {', '.join(spec.tasks)}: pass another one, "
            "see sd.models.available()"
        )
    if task in spec.cautions:
        logger.warning("%s by the model %r: %s", task, spec.name, spec.cautions[task])


def genes_asked(spec: ModelSpec, n_genes: int | None) -> int:
    """How many genes a sentence may have that a model reads or writes."""
    if n_genes is None:
        return spec.n_genes
    if isinstance(n_genes, bool) or not isinstance(n_genes, int | np.integer) or n_genes < 1:
        raise ValueError(f"n_genes must be a positive integer, got {n_genes!r}")
    return int(n_genes)


def room_for(spec: ModelSpec, n_words: int) -> int:
    """Tokens that so many genes need: one each where they are words of the model, else more, and some to reason."""
    return n_words if spec.genes is not None else 256 + 8 * n_words


def context_of(adata: AnnData, columns: Sequence[str]) -> list[dict[str, str]]:
    """What these ``obs`` columns say of each cell, by column; what is missing is left out."""
    if isinstance(columns, str):
        raise TypeError(f"context must be a list of obs columns, got the string {columns!r}")
    strange = [column for column in columns if column not in adata.obs]
    if strange:
        raise KeyError(f"context names no obs columns: {strange}; there are {', '.join(adata.obs.columns)}")
    facts: list[dict[str, str]] = [{} for _ in range(adata.n_obs)]
    for column in columns:
        for fact, value in zip(facts, adata.obs[column].astype(object), strict=True):
            if pd.notna(value):
                fact[column] = str(value)
    return facts


def sentences_for(adata: AnnData, spec: ModelSpec, *, key: str, n_genes: int | None) -> list[list[str]]:
    """What :func:`genes_for` finds, writing sentences first if there are none."""
    genes_asked(spec, n_genes)
    if key not in adata.obsm:
        if key != _keys.SENTENCE:
            raise KeyError(f"obsm has no {key!r}: run sd.pp.cell_sentences(adata, key_added={key!r}) first")
        logger.info("obsm has no %r yet: writing cell sentences with sd.pp.cell_sentences(adata)", key)
        pp.cell_sentences(adata, key_added=key)
    return genes_for(adata, spec, key=key, n_genes=n_genes)


def genes_for(adata: AnnData, spec: ModelSpec, *, key: str, n_genes: int | None) -> list[list[str]]:
    """The best ``n_genes`` genes of each cell that the model can read.

    Raises
    ------
    ValueError
        If the model knows next to none of the genes, naming some.
    """
    n_genes = genes_asked(spec, n_genes)
    lists = get.gene_lists(adata, key=key)
    if spec.genes is None:
        return [genes[:n_genes] for genes in lists]
    known = [[gene for gene in genes if gene in spec.genes] for genes in lists]
    n_named, n_known = sum(map(len, lists)), sum(map(len, known))
    if n_known < _MIN_KNOWN * n_named:
        strange = [gene for gene in dict.fromkeys(gene for genes in lists for gene in genes) if gene not in spec.genes]
        raise ValueError(
            f"the model {spec.name!r} knows {n_known} of the {n_named} genes in the sentences; it reads human gene "
            f"symbols and does not know, for example, {', '.join(strange[:5])}"
        )
    return [genes[:n_genes] for genes in known]


def provenance(spec: ModelSpec, dialect: Dialect, **params: Any) -> dict[str, Any]:
    """What ``uns`` keeps about an answer; what is ``None`` is left out, as AnnData cannot store it."""
    kept = {
        "model": spec.name,
        "fingerprint": spec.fingerprint,
        "dialect": dialect.name,
        "dialect_version": dialect.version,
        "versions": {name: version(name) for name in ("sc-duality", "anndata", "torch", "transformers")},
        **params,
    }
    return {"params": {name: value for name, value in kept.items() if value is not None}}
