"""Read results: cell sentences as text and as lists of genes."""

from __future__ import annotations

from ._cell_sentences import cell_sentences, gene_lists

__all__ = ["cell_sentences", "gene_lists"]
