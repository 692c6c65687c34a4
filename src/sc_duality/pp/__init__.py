"""Preprocessing: expression to cell sentences, and back, and puzzles, captions and splits of cells."""

from __future__ import annotations

from ._cell_puzzles import cell_puzzles
from ._cell_sentences import cell_sentences
from ._fit_expression import fit_expression
from ._reconstruct_expression import reconstruct_expression
from ._reference_captions import reference_captions
from ._spatial_split import spatial_split

__all__ = [
    "cell_puzzles",
    "cell_sentences",
    "fit_expression",
    "reconstruct_expression",
    "reference_captions",
    "spatial_split",
]
