"""Cell sentences of the genes that a model knows, and examples of label tasks made of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import anndata as ad
import numpy as np

import sc_duality as sd
from sc_duality.tasks import LabelExample, hide_genes


def sentences(cells: ad.AnnData, known_genes: Collection[str] | None, n_genes: int) -> list[list[str]]:
    """The ``n_genes`` highest-ranked known genes of each cell, as ``tl.annotate`` shows them to the model."""
    ranked = cells.copy()
    sd.pp.cell_sentences(ranked, exclude="housekeeping")
    every = sd.get.gene_lists(ranked)
    return [[gene for gene in genes if known_genes is None or gene in known_genes][:n_genes] for genes in every]


def label_example(
    genes: Sequence[str],
    labels: Sequence[str],
    *,
    hidden_fraction: float = 0.0,
    rng: int | np.random.Generator = 0,
    label_only: bool = False,
) -> LabelExample:
    """A cell with a random part hidden from the dual; with ``label_only`` the dual shows no other genes."""
    observed, hidden = hide_genes(genes, hidden_fraction, rng)
    return LabelExample(
        genes=tuple(genes), options=tuple(labels), observed=() if label_only else observed, hidden_genes=hidden
    )
