"""Answers that are several cells, as a sample of cells or several cells without a condition."""

from __future__ import annotations

import re

from ._gene_answers import GeneLists
from ._parse import SHOWN, Answer, Failure, Reason

#: What stands before each cell where a model writes cells as blocks of lines: "Cell 1:".
_HEADING = re.compile(r"^[ \t*#]*cell[ \t]*\d+[ \t]*:[ \t*]*", re.IGNORECASE | re.MULTILINE)


class CellSentences(GeneLists):
    r"""The cell sentences of several cells, separated by ``|`` or in blocks that begin with "Cell 1:".

    Parameters
    ----------
    vocabulary
        Gene symbols that count; any symbol by default.
    n_genes
        Length of the sentence of each cell at most.

    Examples
    --------
    >>> from sc_duality.tasks import CellSentences
    >>> cells = CellSentences(None, (2, 2))
    >>> cells.parse("CD79A MS4A1 | CD3E IL7R").value == cells.parse("Cell 1:\nCD79A MS4A1.\nCell 2:\nCD3E IL7R.").value
    True
    >>> cells.parse("CD79A MS4A1").value
    (('CD79A', 'MS4A1'), ())
    """

    def parse(self, text: str) -> Answer | Failure:
        """Read the genes of each cell. Cells that a shorter answer lacks are empty; one with more is refused."""
        headed = _HEADING.search(text)
        pieces = _HEADING.split(text)[1:] if headed else text.split("|")
        if len(pieces) > len(self.n_genes):
            return Failure(Reason.WRONG_COUNT, f"{len(pieces)} cells instead of {len(self.n_genes)}")
        pieces = [piece.strip().removesuffix(".") for piece in pieces] if headed else pieces
        found = super().parse("|".join([*pieces, *[""] * (len(self.n_genes) - len(pieces))]))
        if isinstance(found, Failure) or any(found.value):
            return found
        return Failure(Reason.NO_KNOWN_GENE if text.strip() else Reason.EMPTY, text[:SHOWN])
