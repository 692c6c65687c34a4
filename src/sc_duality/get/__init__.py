"""Read results: cell sentences as text and as lists of genes, and short names of labels."""

from __future__ import annotations

from ._cell_sentences import cell_sentences, gene_lists
from ._display_names import display_names

__all__ = ["cell_sentences", "display_names", "gene_lists"]
