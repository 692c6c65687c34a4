"""Answers that are ranked lists of genes."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..metrics import rank_weighted_jaccard
from ._parse import Answer, Failure, Reason, read_genes

#: The name of a cell before its genes.
_CELL = re.compile(r"\bcell\s+(\d{1,3})\s*:", re.IGNORECASE)


def rank_scores(ranked: Sequence[str], genes: Sequence[str]) -> NDArray[np.float64]:
    """Score of each of ``genes`` by its rank r of n in a list: log((n + 1) / r), and 0 for those not in it.

    Expression falls about linearly with log rank, so differences of scores are like differences of log expression.
    """
    rank = {gene: i for i, gene in enumerate(dict.fromkeys(ranked), 1)}
    last = len(rank) + 1
    return np.log(last / np.array([rank.get(gene, last) for gene in genes], dtype=float))


@dataclass(frozen=True)
class GeneList:
    """A ranked list of genes, highest expression first.

    Parameters
    ----------
    vocabulary
        Gene symbols that count; any symbol by default.
    n_genes
        Length of the list at most.

    Examples
    --------
    >>> from sc_duality.tasks import GeneList
    >>> genes = GeneList({"CD79A", "MS4A1"})
    >>> genes.parse("MS4A1 CD79A FOO").value
    ('MS4A1', 'CD79A')
    >>> genes.similarity(("CD79A", "MS4A1"), ("CD79A",))
    0.666...
    >>> genes.gene_scores(("MS4A1", "CD79A"), ("CD79A", "MS4A1", "CD3E")).round(2)
    array([0.41, 1.1 , 0.  ])
    """

    vocabulary: Collection[str] | None = None
    n_genes: int = 1

    options = None
    longest = None

    @property
    def n_tokens(self) -> int:
        """One token a gene."""
        return self.n_genes

    def size(self, answer: Sequence[str]) -> int:
        """Number of genes."""
        return len(answer)

    def write(self, answer: Sequence[str]) -> str:
        """Genes separated by spaces."""
        return " ".join(answer)

    def parse(self, text: str) -> Answer | Failure:
        """Read the genes; symbols out of the vocabulary are dropped and counted."""
        return read_genes(text, self.vocabulary)

    def similarity(self, target: Sequence[str], answer: Sequence[str]) -> float:
        """Rank-weighted Jaccard similarity (CellDuality, equation 3)."""
        return rank_weighted_jaccard(target, answer)

    def gene_scores(self, answer: Sequence[str], genes: Sequence[str]) -> NDArray[np.float64]:
        """Score of each of ``genes`` by its rank, for rewards of gene programs; genes not in the list share 0."""
        return rank_scores(answer, genes)


@dataclass(frozen=True)
class GeneLists:
    r"""A ranked list of genes for each of several cells.

    Parameters
    ----------
    vocabulary
        Gene symbols that count; any symbol by default.
    n_genes
        Length of the list of each cell.

    Examples
    --------
    >>> from sc_duality.tasks import GeneLists
    >>> GeneLists(None, (2, 1)).parse("CD79A MS4A1 | CD3E").value
    (('CD79A', 'MS4A1'), ('CD3E',))
    >>> GeneLists(None, (2, 1)).parse("Cell 1:\nCD79A MS4A1.\nCell 2:\nCD3E.").value
    (('CD79A', 'MS4A1'), ('CD3E',))
    """

    vocabulary: Collection[str] | None
    n_genes: tuple[int, ...]

    options = None
    longest = None

    @property
    def n_tokens(self) -> int:
        """One token a gene and one between two cells."""
        return sum(self.n_genes) + len(self.n_genes)

    def size(self, answer: Sequence[Sequence[str]]) -> int:
        """Number of genes over all cells."""
        return sum(map(len, answer))

    def write(self, answer: Sequence[Sequence[str]]) -> str:
        """Genes separated by spaces, cells by ``|``."""
        return " | ".join(" ".join(genes) for genes in answer)

    def parse(self, text: str) -> Answer | Failure:
        """Read the genes of each cell, separated by ``|`` or after "Cell 1:"; none of a cell without readable genes."""
        pieces = numbered_cells(text) or text.split("|")
        if len(pieces) != len(self.n_genes):
            return Failure(Reason.WRONG_COUNT, f"{len(pieces)} lists for {len(self.n_genes)} cells")
        cells = [read_genes(piece, self.vocabulary) for piece in pieces]
        read = [cell for cell in cells if isinstance(cell, Answer)]
        return Answer(
            tuple(cell.value if isinstance(cell, Answer) else () for cell in cells),
            n_unknown=sum(cell.n_unknown for cell in read),
            n_duplicates=sum(cell.n_duplicates for cell in read),
        )

    def similarity(self, target: Sequence[Sequence[str]], answer: Sequence[Sequence[str]]) -> float:
        """Mean rank-weighted Jaccard similarity over the cells."""
        return sum(rank_weighted_jaccard(*pair) for pair in zip(target, answer, strict=True)) / len(target)


def numbered_cells(text: str) -> list[str]:
    """The texts after "Cell 1:", "Cell 2:" and so on, without the full stops at their ends; none in other texts."""
    before, *rest = _CELL.split(text)
    numbers, pieces = list(map(int, rest[::2])), rest[1::2]
    if before.strip() or numbers != list(range(1, len(numbers) + 1)):
        return []
    return [piece.strip(" \t\r\n|.") for piece in pieces]
