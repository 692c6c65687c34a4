"""Read the reasoning of a completion: what it says of each cell or group, and which genes it cites as evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ._assignments_in_text import assignments_in_text, labels_in_text
from ._cited_genes import Mention, cited_genes
from ._genes_in_text import genes_in_text
from ._stated_genes import Stated
from ._units_in_text import Sentence, sentences

#: Hyphens that models write in gene symbols, and signs that Markdown escapes.
_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})
#: The end of a long line in the middle of a sentence.
_WRAPPED = re.compile(r"(?<=[^\n]{60})(?<=[\w,)”\"])\n(?=[ \t]*[a-z(“\"])")


@dataclass(frozen=True)
class UnitReasoning:
    """What a reasoning text says of one cell or group.

    Parameters
    ----------
    text
        The sentences about it.
    cited
        Genes that are cited as expressed, in the order of the text.
    absent
        Genes that are named as missing or low, and nowhere as expressed.
    assigned
        Labels that the text assigns, in its order; a label after another one is a revised decision.
    order
        Position among the cells by their first assignment, from 1; 0 without one.
    """

    text: str = ""
    cited: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()
    order: int = 0


def read_reasoning(
    text: str, units: Sequence[str], genes: Mapping[str, str], labels: Sequence[str] = ()
) -> dict[str, UnitReasoning]:
    """What a reasoning text says of each cell or group: its sentences, the genes that it cites, and its decisions.

    Parameters
    ----------
    text
        Reasoning of a language model: prose, lists, Markdown.
    units
        The cells or groups by what follows the noun: ``"3"`` for "Cell 3", "cluster 3" and "Cells 1–4". The whole text
        is about the unit if there is only one.
    genes
        The gene by each name that it may have in the text. Names count exact in case; those that are also words or
        abbreviations count in lists of genes and next to words such as "expresses".
    labels
        The labels to choose from, as the prompt writes them. They are found in any case.

    Returns
    -------
    One :class:`UnitReasoning` for each unit.

    Notes
    -----
    It reads conservatively and without a model. It reads English. A gene belongs to the cell that is named last before
    it in the sentence, or to the cell of the bullet, heading or paragraph. Genes that are said to be missing or low,
    and statements on cells in general ("plasma cells typically express JCHAIN"), are not evidence. Genes in sentences
    about no or all cells belong to none. It misses gene families ("ribosomal genes"), descriptions in words ("the CD3
    complex"), bare numbers ("between 2 and 9"), and decisions that name no label.

    Examples
    --------
    >>> from sc_duality.tasks import read_reasoning
    >>> genes = {gene: gene for gene in ("TFF3", "CD3E", "CD79A")}
    >>> text = "Cell 2 expresses TFF3 and lacks CD3E, so Cell 2 is the goblet cell. Cell 1 → B cell (CD79A)."
    >>> found = read_reasoning(text, ["1", "2"], genes, ["B cell", "goblet cell"])
    >>> found["2"].cited, found["2"].absent, found["2"].assigned, found["2"].order
    (('TFF3',), ('CD3E',), ('goblet cell',), 1)
    >>> found["1"].cited, found["1"].order
    (('CD79A',), 2)
    """
    text = _plain(text)
    names = labels_in_text(text, labels)
    masked = [(one.start, one.stop) for one in names]
    alone = units[0] if len(units) == 1 else None
    found = sentences(text, () if alone is not None else units, masked)
    mentions = cited_genes(text, found, genes_in_text(text, genes, masked), alone)
    given = assignments_in_text(text, found, names, alone)
    order = list(dict.fromkeys(unit for one in given for unit in one.units))
    return {
        unit: UnitReasoning(
            text=" ".join(_passages(text, found, mentions, unit)) if alone is None else text.strip(),
            cited=_stated(mentions, unit, Stated.PRESENT),
            absent=_stated(mentions, unit, Stated.ABSENT, without=Stated.PRESENT),
            assigned=tuple(one.label for one in given if unit in one.units),
            order=order.index(unit) + 1 if unit in order else 0,
        )
        for unit in units
    }


def _plain(text: str) -> str:
    """With plain hyphens, without the backslashes of Markdown, and with the lines of wrapped sentences joined."""
    return _WRAPPED.sub(" ", re.sub(r"\\([-_*])", r"\1", text.translate(_HYPHENS)))


def _passages(text: str, found: Sequence[Sentence], mentions: Sequence[Sequence[Mention]], unit: str) -> list[str]:
    """The sentences about a unit: that name it, go on about it, or cite a gene of it."""
    return [
        " ".join(text[one.start : one.stop].split())
        for one, inside in zip(found, mentions, strict=True)
        if unit in one.subject
        or any(unit in ref.units and not ref.compared for ref in one.references)
        or any(unit in mention.units for mention in inside)
    ]


def _stated(
    mentions: Sequence[Sequence[Mention]], unit: str, stated: Stated, without: Stated | None = None
) -> tuple[str, ...]:
    """The genes that this is stated of, and nowhere ``without``."""
    own = [one for inside in mentions for one in inside if unit in one.units]
    left_out = {one.gene for one in own if one.stated == without}
    return tuple(dict.fromkeys(one.gene for one in own if one.stated == stated and one.gene not in left_out))
