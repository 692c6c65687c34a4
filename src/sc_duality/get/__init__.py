"""Read results: cell sentences, a summary of predicted labels, and genes that decided."""

from __future__ import annotations

from ._cell_sentences import cell_sentences, gene_lists
from ._evidence import evidence
from ._summary import summary

__all__ = ["cell_sentences", "evidence", "gene_lists", "summary"]
