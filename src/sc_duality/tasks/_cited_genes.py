"""The genes that a text cites of each cell or group: which unit a gene is said of, and what is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ._genes_in_text import GeneInText, follows_in_list
from ._stated_genes import Stated, denies_genes_before, stated_genes
from ._units_in_text import Sentence

#: Between a gene and the cell that it is expressed in: "TFF3 in Cell 4", "IGKC, which is highest in Cell 8".
_IN_UNIT = re.compile(
    r"(?:(?!\b(?:than|compar\w+|contrast|relative|unlike|similar)\b)[^.;:()\n]){0,60}\b(?:in|of|by|for|from|across|within)\s+(?:both\s+|the\s+)?[*_`\"“]*"
)
#: Between a gene that cells in general express and the cell that does: "…, which are common in Cells 2 and 3".
_SHOWN_IN = re.compile(
    r"\W*(?:which|that)?\s*(?:is|are)\s+(?:\w+\s+)?(?:present|found|seen|common|detected|expressed|high\w*)\s+in\b.*",
    re.DOTALL,
)
_THESE_IN = re.compile(
    r"\W*(?:these|those|such|both|all\s+(?:of\s+)?these)(?:\s+genes|\s+markers|\s+transcripts)?\s+(?:is|are)\s+(?:\w+\s+)?"
    r"(?:present|found|seen|common|detected|expressed|high\w*)\s+in\s+(?:both\s+)?[*_`\"“]*",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"\W*(?:with|given|based\s+on|because|due\s+to|since|having|from|considering)\b", re.IGNORECASE)


class Mention(NamedTuple):
    """A gene in a text: the units that it is said of, and what is said."""

    units: tuple[str, ...]
    gene: str
    stated: Stated


def cited_genes(
    text: str, found: Sequence[Sentence], genes: Sequence[GeneInText], alone: str | None
) -> list[list[Mention]]:
    """The genes in each sentence, with the units that they are said of, and what is said.

    ``alone`` is the one unit that the whole text is about, if it is about one.
    """
    mentions: list[list[Mention]] = []
    for one in found:
        inside = [gene for gene in genes if one.start <= gene.start < one.stop]
        sentence = text[one.start : one.stop]
        if not inside and mentions:
            mentions[-1] = _with_next_sentence(mentions[-1], sentence, one)
        shifted = [gene._replace(start=gene.start - one.start, stop=gene.stop - one.start) for gene in inside]
        own, ends = [], _list_ends(text, inside)
        for i, (gene, stated) in enumerate(zip(inside, stated_genes(sentence, shifted), strict=True)):
            units, is_shown = ((alone,), False) if alone is not None else _owner(text, one, gene, inside[ends[i]].stop)
            own.append(Mention(units, gene.gene, Stated.PRESENT if is_shown and stated == Stated.GENERAL else stated))
        mentions.append(own)
    return mentions


def _with_next_sentence(mentions: list[Mention], sentence: str, parts: Sentence) -> list[Mention]:
    """The genes of a sentence, where the next one goes on about them: "These genes are present in Cell 8"."""
    if denies_genes_before(sentence):
        return [one._replace(stated=Stated.ABSENT) for one in mentions]
    shown = _THESE_IN.match(sentence)
    if shown and parts.references and shown.end() == parts.references[0].start - parts.start:
        return [Mention(parts.references[0].units, one.gene, Stated.PRESENT) for one in mentions]
    return mentions


def _list_ends(text: str, genes: Sequence[GeneInText]) -> list[int]:
    """Index of the last gene of the list that each gene stands in."""
    ends = list(range(len(genes)))
    for i in reversed(range(len(genes) - 1)):
        ends[i] = ends[i + 1] if follows_in_list(text, genes[i], genes[i + 1]) else i
    return ends


def _owner(text: str, sentence: Sentence, gene: GeneInText, list_stop: int) -> tuple[tuple[str, ...], bool]:
    """The units that a sentence says a gene of, and whether it says that they show it, "… are present in Cell 8"."""
    after = next((ref for ref in sentence.references if ref.start >= list_stop), None)
    if after is not None and _IN_UNIT.fullmatch(text, list_stop, after.start):
        return after.units, _SHOWN_IN.fullmatch(text, list_stop, after.start) is not None
    named = [ref for ref in sentence.references if not ref.compared]
    before = [ref for ref in named if ref.stop <= gene.start]
    if before:
        return before[-1].units, False
    later = named[0].units if named else ()
    given = _GIVEN.match(text, sentence.start) is not None
    return ((later or sentence.subject) if given else (sentence.subject or later)), False
