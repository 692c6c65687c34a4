"""Which label a text assigns to which cell or group, in the order in which it says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from ._units_in_text import Sentence, UnitReference

#: Characters of the text in front of a label that are read.
_N_BEFORE = 90
_QUOTES = r"""[\s*_`"'“\u2018(\[]*"""
_ADVERBS = (
    r"(?:[\s*_`\"“']+(?:most|best|very|highly|likely|probably|clearly|therefore|thus|now|then|hence|also|indeed|almost|certainly|"
    r"consistent|with|labell?ed|annotated|classified|assigned|identified|described|designated|interpreted|matched|mapped|called|"
    r"termed|named|as|to|be|the|an?|our|my|remaining|only|generic|typical|classic|candidate|final|type|cell|label))*"
)
#: What assigns the label that follows: "is most likely the", "is best labeled", "→", "fits best with a", "Answer:".
_ASSIGNS = re.compile(
    rf"(?:(?:→|->|=>|⇒|➔|=|\|)|:(?=\s+(?:an?|the|likely|most)\b)|\blooks?\s+like|\b(?:is|are|was|were|as|be|represents?|becomes?|fits|match(?:es)?|labell?ed|called|likely|"
    rf"choose|select|say|(?:assign(?:s|ed|ing)?|maps?|corresponds?|belongs?|chang(?:e|ed|ing)|switch(?:ed|ing)?|revis(?:e|ed|ing)|"
    rf"goes|go)(?:\s+(?:it|this|that|them|this\s+cell|this\s+cluster))?\s+(?:to|as)|"
    rf"(?:answer|label|identity|assignment|conclusion|cell\s+type|annotation|type|verdict|call)[*_]*\s*:))"
    rf"{_ADVERBS}{_QUOTES}$",
    re.IGNORECASE,
)
#: The same, directly after the name of the cell: "Cell 6 the “", "Cell 1: ", "Cell 7 as the ", "Cell 2 (".
_ASSIGNS_NEXT = re.compile(rf"[*_`\"”)]*\s*(?:,|:|→|->|=>|=|–|—|-|\|)?{_ADVERBS}{_QUOTES}", re.IGNORECASE)
#: What takes an assignment back or leaves it open, in front of the label and behind it.
_OPEN = re.compile(
    r"\b(?:not|no|cannot|neither|nor|never|unlikely|rather\s+than|could|might|may|can|maybe|perhaps|possibly|whether|if|either|or|"
    r"between|suspect|tempting|similar|than|instead\s+of|excluded?|rule[sd]?\s+out|unless|consider\w*)\b|n['’]t\b",
    re.IGNORECASE,
)
_SUPPOSES = re.compile(r"""^\W*(?:if|suppose|assuming)\b|\?["'”*_`\s]*$""", re.IGNORECASE)
_OPEN_AFTER = re.compile(
    r"""[\s*_`"'”’)]*(?:(?:or|vs\.?|versus|/)\b|[-\s](?:like|markers?|genes?|signatures?|lineages?|features?|programs?|specific|"""
    r"""related|associated|derived)\b|(?:\s+is|\s+are)?\s+(?:unlikely|excluded|ruled\s+out|not)\b|\?)""",
    re.IGNORECASE,
)
#: Between a label and the cell that it is given to: "plasma cell → Cell 8", "assign memory B cell to Cell 10".
_REVERSED = re.compile(
    r"""[*_`"'”’)]*\s*(?:→|->|=>|=|:|\bis|\bmust\s+be|\bgoes\s+to|\bfor|\bto)(?:\s+(?:likely|most\s+likely|clearly))?[\s*_`"“(]*""",
    re.IGNORECASE,
)
_GIVES = re.compile(
    rf"(?:\b(?:assign|give|use|reserve|keep)\w*{_ADVERBS}|^[\s\-•*\d.):(]*(?:the\s+)?){_QUOTES}$", re.IGNORECASE
)


class LabelAssigned(NamedTuple):
    """A statement that units have a label."""

    units: tuple[str, ...]
    label: str
    start: int


class LabelInText(NamedTuple):
    """The label of a cell type in a text."""

    label: str
    start: int
    stop: int


def labels_in_text(text: str, labels: Sequence[str]) -> list[LabelInText]:
    """Where a text names one of the labels, in any case and spacing, also in the plural; the longest at a point."""
    if not labels:
        return []
    pattern, names = _label_pattern(tuple(labels))
    return [LabelInText(names[match.lastgroup or ""], *match.span()) for match in pattern.finditer(text)]


@lru_cache(maxsize=64)
def _label_pattern(labels: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    longest = sorted(dict.fromkeys(label for label in labels if label.strip()), key=len, reverse=True)
    names = {f"label{i}": label for i, label in enumerate(longest)}
    parts = [rf"(?P<{group}>{_spelled(label)})" for group, label in names.items()]
    return re.compile(rf"(?<![\w+/&-])(?:{'|'.join(parts) or '(?!)'})s?(?![\w+/&-])", re.IGNORECASE), names


def _spelled(label: str) -> str:
    """The label with any white space, and with other hyphens."""
    parts = [re.escape(part).replace(r"\-", r"[-\u2010\u2011–]") for part in label.replace("_", " ").split()]
    return r"[\s_]+".join(parts)


def assignments_in_text(
    text: str, found: Sequence[Sentence], labels: Sequence[LabelInText], alone: str | None = None
) -> list[LabelAssigned]:
    """The statements that a cell or group is of a type, in the order of the text.

    Statements that are negated, that are a question or a condition, or that name alternatives do not count.

    Parameters
    ----------
    text
        The text.
    found
        Its sentences.
    labels
        The labels in it.
    alone
        The one unit that the whole text is about, if it is about one.
    """
    return [
        one
        for sentence in found
        if not _SUPPOSES.search(text[sentence.start : sentence.stop])
        for one in _in_sentence(
            text, sentence, [one for one in labels if sentence.start <= one.start < sentence.stop], alone
        )
    ]


def _in_sentence(
    text: str, sentence: Sentence, labels: Sequence[LabelInText], alone: str | None
) -> Iterator[LabelAssigned]:
    for i, one in enumerate(labels):
        stop = labels[i + 1].start if i + 1 < len(labels) else sentence.stop
        before = [ref for ref in sentence.references if ref.stop <= one.start and not ref.compared]
        after = next((ref for ref in sentence.references if one.stop <= ref.start < stop), None)
        start = max([sentence.start, *(other.stop for other in labels[:i])])
        if _is_open(text, start, one, stop):
            continue
        units = _assigned(text, sentence, one, start, before[-1] if before else None, alone)
        if not units and after is not None and _REVERSED.fullmatch(text, one.stop, after.start):
            units = after.units if _GIVES.search(text[start : one.start]) else ()
        if units:
            yield LabelAssigned(units, one.label, one.start)


def _is_open(text: str, start: int, label: LabelInText, stop: int) -> bool:
    """Whether the clause of a label negates it, or leaves it open."""
    clause = re.split(
        r"[.;:!?—]\s|,\s+(?:so|and|but|hence|thus|therefore|making|leaving|which)\s|\(", text[start : label.start]
    )[-1]
    return _OPEN.search(clause[-_N_BEFORE:]) is not None or _OPEN_AFTER.match(text, label.stop, stop + 1) is not None


def _assigned(
    text: str, sentence: Sentence, label: LabelInText, start: int, before: UnitReference | None, alone: str | None
) -> tuple[str, ...]:
    """The units that the text in front of a label gives it to."""
    if alone is not None or before is None:
        units = (alone,) if alone is not None else sentence.subject
        return units if _ASSIGNS.search(text[max(start, label.start - _N_BEFORE) : label.start]) else ()
    if before.stop >= start and _ASSIGNS_NEXT.fullmatch(text, before.stop, label.start):
        return before.units
    lead = text[max(start, before.stop, label.start - _N_BEFORE) : label.start]
    return before.units if _ASSIGNS.search(lead) else ()
