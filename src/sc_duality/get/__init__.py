"""Read results: cell sentences, labels in a table, the genes that decided, and what a model wrote."""

from __future__ import annotations

from ._answers import answers
from ._cell_sentences import cell_sentences, gene_lists
from ._evidence import evidence
from ._summary import summary

__all__ = ["answers", "cell_sentences", "evidence", "gene_lists", "summary"]
