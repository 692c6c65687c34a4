"""What all tools share: which sentences a model is shown, and what is kept about how it was asked."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Any

import numpy as np
from anndata import AnnData

from .. import _keys, get, pp
from ..models import ModelSpec
from ..tasks import Dialect

logger = logging.getLogger(__name__)

#: Share of the genes in the sentences that a model with a vocabulary must know.
_MIN_KNOWN = 0.2


def sentences_for(adata: AnnData, spec: ModelSpec, *, key: str, n_genes: int | None) -> list[list[str]]:
    """The best ``n_genes`` genes of each cell that the model can read, writing sentences if there are none.

    Raises
    ------
    ValueError
        If the model knows next to none of the genes, naming some.
    """
    n_genes = spec.n_genes if n_genes is None else n_genes
    if isinstance(n_genes, bool) or not isinstance(n_genes, int | np.integer) or n_genes < 1:
        raise ValueError(f"n_genes must be a positive integer, got {n_genes!r}")
    if key not in adata.obsm:
        if key != _keys.SENTENCE:
            raise KeyError(f"obsm has no {key!r}: run sd.pp.cell_sentences(adata, key_added={key!r}) first")
        logger.info("obsm has no %r yet: writing cell sentences with sd.pp.cell_sentences(adata)", key)
        pp.cell_sentences(adata, key_added=key)
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
