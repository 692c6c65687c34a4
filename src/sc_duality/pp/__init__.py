"""Preprocessing: expression to cell sentences, and back, and puzzles of cells to be labelled together."""

from __future__ import annotations

from ._cell_puzzles import cell_puzzles
from ._cell_sentences import cell_sentences
from ._fit_expression import fit_expression
from ._reconstruct_expression import reconstruct_expression
from ._reference_captions import reference_captions

__all__ = ["cell_puzzles", "cell_sentences", "fit_expression", "reconstruct_expression", "reference_captions"]
