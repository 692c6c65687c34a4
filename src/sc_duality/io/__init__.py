"""Results and cell sentences into files, reports as HTML, and files of puzzles, gene sets, interactions, compounds."""

from __future__ import annotations

from ._read_biogrid import read_biogrid
from ._read_cell_puzzles import read_cell_puzzles
from ._read_cellphonedb import read_cellphonedb
from ._read_compounds import read_compounds
from ._read_gaf import read_gaf
from ._read_gmt import read_gmt
from ._read_l1000_genes import read_l1000_genes
from ._read_liana import read_liana
from ._write_cell_puzzles import write_cell_puzzles
from ._write_report import write_report
from ._write_results import write_results
from ._write_sentences import write_sentences

__all__ = [
    "read_biogrid",
    "read_cell_puzzles",
    "read_cellphonedb",
    "read_compounds",
    "read_gaf",
    "read_gmt",
    "read_l1000_genes",
    "read_liana",
    "write_cell_puzzles",
    "write_report",
    "write_results",
    "write_sentences",
]
