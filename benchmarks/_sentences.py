"""Cells in words that a model knows."""

from __future__ import annotations

from collections.abc import Collection

import anndata as ad

import sc_duality as sd


def sentences(cells: ad.AnnData, known: Collection[str], n_genes: int) -> list[list[str]]:
    """The best ``n_genes`` genes of each cell that a model knows, as ``tl.annotate`` shows them."""
    ranked = cells.copy()
    sd.pp.cell_sentences(ranked, exclude="housekeeping")
    return [[gene for gene in genes if gene in known][:n_genes] for genes in sd.get.gene_lists(ranked)]
