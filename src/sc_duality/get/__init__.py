"""Read results: cell sentences as text and as lists of genes, and what a model wrote."""

from __future__ import annotations

from ._answers import answers
from ._cell_sentences import cell_sentences, gene_lists

__all__ = ["answers", "cell_sentences", "gene_lists"]
