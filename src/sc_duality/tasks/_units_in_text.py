"""Which cells or groups a text speaks of: references such as "Cell 3" and "Clusters 1–4", and the passages on each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

#: Where a sentence ends; not after abbreviations.
_SENTENCE_END = re.compile(
    r"""(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bcf)(?<!\bresp)[.!?]["”’')*_`]*\s+(?=["“'\u2018(*_`•–-]*[A-Z0-9])|\n+"""
)
#: A list number, bullet or heading sign in front of a line.
_BULLET = re.compile(r"[\s>|]*(?:(?:[-*•–+]|#{1,6}|\(?\d{1,3}[.)])\s+)*[*_`\"“(\[]*")
_LISTED = re.compile(r"\s*(?:[-*•–+]|#{1,6}|\(?\d{1,3}[.)])\s")
#: In front of a reference that only compares: "unlike Cell 3", "similar to Cell 1", "than in Cell 5".
_COMPARED = re.compile(
    r"\b(?:unlike|compar\w+(?:\s+(?:it|this|them))?\s+(?:to|with)|relative\s+to|similar(?:ly)?\s+to|versus|vs\.?|"
    r"than(?:\s+(?:in|for|of|that\s+of))?|in\s+contrast\s+to|as\s+in|resembl\w+|like|"
    r"(?:distinct|differ\w*|distinguish\w*(?:\s+\w+){0,3}|apart)\s+from|opposed\s+to)"
    r"\s+(?:the\s+|that\s+of\s+|both\s+)?[*_`\"“(]*$",
    re.IGNORECASE,
)
#: Behind a reference that only compares: what follows is said of it after all.
_RELATIVE = re.compile(r"[*_`\"”)]*(?:,?\s*(?:which|that|whose|where)\b|\s*\([*_`]*[A-Z][A-Z0-9-]{2,}|:)")
#: A sentence about cells in general, which does not go on about the cell of the one before it.
_GENERAL = re.compile(
    r"\b(?:many|all|most|several|some|other|each|every|remaining|any)\s+(?:of\s+(?:the|these)\s+)?(?:\w+\s+)?(?:cells?|clusters?|"
    r"groups?)\b|^\W*(?:in\s+(?:general|summary|conclusion|total|short)|overall|to\s+(?:sum|conclude)|next|finally|now)\b",
    re.IGNORECASE,
)
#: Between references that share what is said: "Cell 1 and Cell 2".
_AND = re.compile(r"[\s*_`\"”“]*(?:,|&|/|,?\s*\b(?:and|or|nor)\b)[\s*_`\"”“]*")
#: Characters in front of the reference that a sentence starts with.
_NEAR_START = 25


class UnitReference(NamedTuple):
    """A reference to cells or groups in a text."""

    units: tuple[str, ...]
    start: int
    stop: int
    #: Whether another cell is only compared with these.
    compared: bool


class Sentence(NamedTuple):
    """A sentence of a text, with the references in it; positions are those in the text."""

    start: int
    stop: int
    references: tuple[UnitReference, ...]
    #: The units that the sentence is about where it names none.
    subject: tuple[str, ...]


def sentences(text: str, units: Sequence[str], masked: Sequence[tuple[int, int]] = ()) -> list[Sentence]:
    """The sentences of a text, each with the units that it is about.

    Parameters
    ----------
    text
        Prose, bullets, headings.
    units
        Names of the units after the noun: ``"3"`` in "Cell 3".
    masked
        Parts of the text that hold no reference, such as the labels of cell types.
    """
    found: list[Sentence] = []
    owner: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()  # of the lines under a bullet or heading; of the sentences of a paragraph
    heads, n_under, last_stop = False, 0, 0
    for start, stop in _lines(text):
        references = _references(text, start, stop, units, masked)
        opened = _BULLET.match(text, start, stop)
        first = references[0] if references and opened and references[0].start == opened.end() else None
        is_new = text.count("\n", last_stop, start) > 1
        if first is not None:
            owner, heads, n_under = first.units, _is_heading(text[start:stop], text[first.stop : stop]), 0
        elif not _is_under(text[start:stop], heads=heads, ends=is_new and n_under > 0):
            owner = ()
        topic = owner or (() if is_new or _LISTED.match(text, start) else topic)
        for one in _split(start, stop, text, references):
            named = next((ref.units for ref in one.references if not ref.compared), ())
            near = bool(named) and one.references[0].start - one.start <= _NEAR_START
            topic = named if near else topic
            about = topic if owner or near or not _GENERAL.search(text, one.start, one.stop) else ()
            topic = named if named and not owner else topic
            found.append(one._replace(subject=about))
        n_under, last_stop = n_under + (first is None), stop
    return found


def _lines(text: str) -> Iterator[tuple[int, int]]:
    for line in re.finditer(r"[^\n]+", text):
        if line[0].strip():
            yield line.span()


def _is_heading(line: str, after: str) -> bool:
    """Whether a line that starts with a unit is a heading of the lines below it."""
    bold = re.fullmatch(r"[\s\-•\d.)]*(\*\*|__).*\1:?\s*", line) is not None
    return bold or line.lstrip().startswith("#") or not after.strip('*_`:.)] #"”–—-')


def _is_under(line: str, *, heads: bool, ends: bool) -> bool:
    """Whether a line goes on about the unit of the lines above it: under a heading, or indented."""
    if line.startswith(("#", "**", "---")):
        return False
    return line[:2].isspace() or (heads and (not ends or _LISTED.match(line) is not None))


def _split(start: int, stop: int, text: str, references: Sequence[UnitReference]) -> Iterator[Sentence]:
    at = start
    for end in [*(match.end() for match in _SENTENCE_END.finditer(text, start, stop)), stop]:
        if text[at:end].strip():
            inside = tuple(one for one in references if at <= one.start < end)
            yield Sentence(at, end, inside, ())
        at = end


def _references(
    text: str, start: int, stop: int, units: Sequence[str], masked: Sequence[tuple[int, int]]
) -> list[UnitReference]:
    """The references in a line; those that share what is said are one."""
    found: list[UnitReference] = []
    for match in _reference_pattern(tuple(units)).finditer(text, start, stop):
        if any(a < match.end() and match.start() < b for a, b in masked):
            continue
        named = _named(match["names"] or match["bare"], tuple(units))
        if not named:
            continue
        before = text[max(start, match.start() - 40) : match.start()]
        compared = _COMPARED.search(before) is not None and not _RELATIVE.match(text, match.end())
        last = found[-1] if found else None
        if last is not None and _share(text, last, match):
            joined = tuple(dict.fromkeys(last.units + named))
            found[-1] = UnitReference(joined, last.start, match.end(), last.compared)
        else:
            found.append(UnitReference(named, match.start(), match.end(), compared))
    return found


def _share(text: str, last: UnitReference, match: re.Match[str]) -> bool:
    """Whether a reference and the next one share what is said: "Cell 1, Cell 2 and Cell 3"."""
    between = _AND.fullmatch(text, last.stop, match.start())
    if between is None or last.compared:
        return False
    return "," not in between[0] or re.search("and|or|[&/]", between[0]) is not None or len(last.units) == 1


@lru_cache(maxsize=64)
def _reference_pattern(units: tuple[str, ...]) -> re.Pattern[str]:
    name = "|".join(re.escape(unit) for unit in sorted(units, key=len, reverse=True)) or r"(?!)"
    one = rf"\#?(?:{name})(?![\w%]|[.,]\d)"
    another = r"\s*,?\s*\b(?:and|or|nor)\b\s*(?:cells?\s+|clusters?\s+|groups?\s+)?"
    joint = rf"(?:\s*(?:,|&|/|–|—|-|\b(?:to|through)\b)\s*|{another})"
    noun = r"(?<![\w-])(?i:cells?|clusters?|groups?)(?:[ \t]+(?:number|no\.|nr\.))?[ \t*_]{0,4}?"
    bare = r"\b(?i:in|among|between|of|for)[ \t]+(?:both[ \t]+)?"
    follows = r"(?=[ \t]*(?:[,.;:)]|(?:both|all|are|is|have|has|show|include|express|share)\b|\n|$))"
    return re.compile(rf"{noun}(?P<names>{one}(?:{joint}{one})*)|{bare}(?P<bare>{one}(?:{joint}{one})+){follows}")


def _named(text: str, units: tuple[str, ...]) -> tuple[str, ...]:
    """The units in a list of names, ranges of numbers included."""
    name = "|".join(re.escape(unit) for unit in sorted(units, key=len, reverse=True))
    found: list[str] = []
    previous = None
    for match in re.finditer(rf"(?<![\w.])(?:{name})(?!\w)", text):
        gap = text[previous.end() : match.start()] if previous else ""
        if previous and re.fullmatch(r"\s*(?:–|—|-|to|through)\s*#?", gap):
            first, last = units.index(previous[0]), units.index(match[0])
            found += units[first : last + 1]
        found.append(match[0])
        previous = match
    return tuple(dict.fromkeys(found))
