"""Read results: cell sentences as text and as lists of genes, and genes that decided predicted labels."""

from __future__ import annotations

from ._cell_sentences import cell_sentences, gene_lists
from ._evidence import evidence

__all__ = ["cell_sentences", "evidence", "gene_lists"]
