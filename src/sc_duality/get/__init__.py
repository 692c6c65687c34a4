"""Read results: cell sentences, what a model wrote, and short names of labels."""

from __future__ import annotations

from ._answers import answers
from ._cell_sentences import cell_sentences, gene_lists
from ._display_names import display_names

__all__ = ["answers", "cell_sentences", "display_names", "gene_lists"]
