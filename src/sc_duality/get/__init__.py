"""Read results: cell sentences, labels in a table, the genes that decided, texts of a model, and short names."""

from __future__ import annotations

from ._answers import answers
from ._cell_sentences import cell_sentences, gene_lists
from ._display_names import display_names
from ._evidence import evidence
from ._reasoning import reasoning
from ._summary import summary

__all__ = ["answers", "cell_sentences", "display_names", "evidence", "gene_lists", "reasoning", "summary"]
