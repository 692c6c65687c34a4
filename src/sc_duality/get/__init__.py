"""Read results: cell sentences, labels and scores in tables, genes that decided, what a model wrote, short names."""

from __future__ import annotations

from ._answers import answers
from ._cell_sentences import cell_sentences, gene_lists
from ._display_names import display_names
from ._evidence import evidence
from ._gene_changes import gene_changes
from ._group_embedding import group_embedding
from ._puzzle_scores import puzzle_scores
from ._puzzles import puzzles
from ._reasoning import reasoning
from ._summary import summary
from ._texts import texts

__all__ = [
    "answers",
    "cell_sentences",
    "display_names",
    "evidence",
    "gene_changes",
    "gene_lists",
    "group_embedding",
    "puzzle_scores",
    "puzzles",
    "reasoning",
    "summary",
    "texts",
]
