"""The answer that says which genes change: a ranked list of genes up, and one of genes down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..metrics import rank_weighted_jaccard
from ._gene_answers import rank_scores
from ._parse import SHOWN, Answer, Failure, Reason, read_genes

#: Stands between the two lists.
_SEPARATOR = "|"

#: Genes up and genes down, largest change first.
Changes = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class GeneChanges:
    """Genes whose expression rises and genes whose expression falls, each list with the largest change first.

    C2S-Scale calls it a delta sentence (§4.9). Both lists are empty where nothing changes.

    Parameters
    ----------
    vocabulary
        Gene symbols that count; any symbol by default.
    n_genes
        Length of each list at most.

    Examples
    --------
    >>> from sc_duality.tasks import GeneChanges
    >>> changes = GeneChanges({"ISG15", "IFI6", "ACTB"}, n_genes=2)
    >>> changes.write((("ISG15", "IFI6"), ("ACTB",)))
    'ISG15 IFI6 | ACTB'
    >>> changes.parse("ISG15 FOO | ACTB").value, changes.parse("|").value
    ((('ISG15',), ('ACTB',)), ((), ()))
    >>> changes.gene_scores((("ISG15", "IFI6"), ("ACTB",)), ("IFI6", "ACTB", "MX1")).round(2)
    array([ 0.41, -0.69,  0.  ])
    """

    vocabulary: Collection[str] | None = None
    n_genes: int = 200

    options = None
    longest = None
    empty = ((), ())
    #: The sign without which there are no two lists.
    contains = _SEPARATOR

    @property
    def n_tokens(self) -> int:
        """One token a gene and one between the lists."""
        return 2 * self.n_genes + 1

    def size(self, answer: Sequence[Sequence[str]]) -> int:
        """Number of genes of both lists and the sign between them."""
        return sum(map(len, answer)) + 1

    def write(self, answer: Sequence[Sequence[str]]) -> str:
        """Genes separated by spaces, the lists by ``|``."""
        return f" {_SEPARATOR} ".join(" ".join(genes) for genes in answer).strip()

    def parse(self, text: str) -> Answer | Failure:
        """Read both lists, each cut to its length; they may also be two lines.

        A gene on both lists counts as a duplicate, and on neither list.
        """
        pieces = text.split(_SEPARATOR) if _SEPARATOR in text else text.strip().split("\n")
        if len(pieces) != 2:
            return Failure(Reason.WRONG_COUNT, f"{len(pieces)} lists, not genes up {_SEPARATOR} genes down")
        found = [read_genes(piece, self.vocabulary) for piece in pieces]
        read = [one for one in found if isinstance(one, Answer)]
        if not read and any(piece.strip() for piece in pieces):
            return Failure(Reason.NO_KNOWN_GENE, text[:SHOWN])
        up, down = (one.value[: self.n_genes] if isinstance(one, Answer) else () for one in found)
        both = set(up) & set(down)
        return Answer(
            (tuple(gene for gene in up if gene not in both), tuple(gene for gene in down if gene not in both)),
            n_unknown=sum(one.n_unknown for one in read),
            n_duplicates=sum(one.n_duplicates for one in read) + len(both),
        )

    def similarity(self, target: Changes, answer: Changes) -> float:
        """Mean rank-weighted Jaccard similarity of the two lists; two empty lists are equal."""
        pairs = list(zip(target, answer, strict=True))
        return sum(rank_weighted_jaccard(*pair) if any(pair) else 1.0 for pair in pairs) / len(pairs)

    def gene_scores(self, answer: Changes, genes: Sequence[str]) -> NDArray[np.float64]:
        """Score of each of ``genes`` by its rank: above 0 for genes up, below 0 for genes down, else 0."""
        up, down = answer
        return rank_scores(up, genes) - rank_scores(down, genes)
