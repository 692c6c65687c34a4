"""Results and cell sentences into files on disk, reports as HTML, and puzzles in the file formats of Cell-o1."""

from __future__ import annotations

from ._read_cell_puzzles import read_cell_puzzles
from ._write_cell_puzzles import write_cell_puzzles
from ._write_report import write_report
from ._write_results import write_results
from ._write_sentences import write_sentences

__all__ = ["read_cell_puzzles", "write_cell_puzzles", "write_report", "write_results", "write_sentences"]
