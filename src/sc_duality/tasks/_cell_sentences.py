"""Answers that are several cells of a sample."""

from __future__ import annotations

from dataclasses import replace

from ._gene_answers import GeneLists, numbered_cells
from ._parse import SHOWN, Answer, Failure, Reason


class CellSentences(GeneLists):
    """The cell sentences of several generated cells.

    As :class:`GeneLists`, but a shorter answer is read too: the cells that it lacks are empty.

    Parameters
    ----------
    vocabulary
        Gene symbols that count; any symbol by default.
    n_genes
        Length of the sentence of each cell at most.

    Examples
    --------
    >>> from sc_duality.tasks import CellSentences
    >>> CellSentences(None, (2, 2)).parse("CD79A MS4A1").value
    (('CD79A', 'MS4A1'), ())
    """

    def parse(self, text: str) -> Answer | Failure:
        """Read the genes of each cell; an answer with too many cells, or without a readable gene, is refused."""
        n = len(numbered_cells(text) or text.split("|"))
        if n > len(self.n_genes):
            return Failure(Reason.WRONG_COUNT, f"{n} cells instead of {len(self.n_genes)}")
        found = GeneLists(self.vocabulary, self.n_genes[:n]).parse(text)
        if isinstance(found, Failure):
            return found
        if not any(found.value):
            return Failure(Reason.NO_KNOWN_GENE if text.strip() else Reason.EMPTY, text[:SHOWN])
        return replace(found, value=(*found.value, *[()] * (len(self.n_genes) - n)))
