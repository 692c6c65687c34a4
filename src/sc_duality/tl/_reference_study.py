"""Labelled cells as reference cells of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells import adata_keys, plan_ranking, store_sentences, to_known_names
from ..examples import ModelCells
from ..models import ModelSpec, ReferenceCells, reference_genes

if TYPE_CHECKING:
    from anndata import AnnData

#: Most reference cells of a type and study, and most genes of a cell: enough must remain on a panel.
_MAX_CELLS, _MAX_GENES = 200, 600


def reference_study(
    adata: AnnData, labels: NDArray[np.object_], spec: ModelSpec, sentence_key: str, seed: int
) -> ReferenceCells:
    """At most 200 cells of each label as reference cells, without cells that the model cannot read.

    Parameters
    ----------
    adata
        The cells of a study.
    labels
        The model's label of each cell, ``None`` where there is none.
    spec
        The model.
    sentence_key
        Sentences whose matrix is ranked; ``X`` if there are none.
    seed
        Decides which cells are taken, and their augmentation.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.flatnonzero(pd.notna(labels)))
    rows = np.sort(rows[(pd.Series(labels[rows]).groupby(labels[rows]).cumcount() < _MAX_CELLS).to_numpy()])
    part = adata[rows].to_memory()
    params: Mapping[str, Any] = adata.uns.get(sentence_key, {}).get(adata_keys.PARAMS, {})
    source = {name: params[name] for name in ("layer", "use_raw", "gene_symbols") if name in params}
    for name in (adata_keys.SENTENCE, adata_keys.vocabulary(adata_keys.SENTENCE)):
        part.obsm.pop(name, None)
    ranking = plan_ranking(part, **source)
    n_genes = min(_MAX_GENES, len(ranking.genes))
    ranks, genes, _ = ranking._replace(n_genes=n_genes).compute()
    store_sentences(part, adata_keys.SENTENCE, ranks, genes, {**ranking.params, "n_genes": n_genes})
    cells = ModelCells(part, spec, n_genes=_MAX_GENES)
    known = frozenset(reference_genes(spec))
    further = [gene for gene, name in zip(genes, to_known_names(genes, known), strict=True) if name is None]
    kept = np.flatnonzero(cells.readable)
    cells = cells.with_genes(known.union(further))
    return ReferenceCells(cells.genes(kept), cells.augmented(kept.tolist(), rng), labels[rows][kept].tolist())
