"""Read what a model wrote. Its text is data: every way in which it can be wrong has a name."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why an answer could not be read."""

    EMPTY = "empty"
    NO_TAG = "no answer tag"
    TWO_ANSWERS = "more than one answer"
    UNKNOWN_LABEL = "unknown label"
    NO_KNOWN_GENE = "no known gene"


@dataclass(frozen=True)
class Failure:
    """An answer that could not be read: why, and the piece of text that shows it."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer that was read.

    Parameters
    ----------
    value
        A label, or a tuple of genes.
    reasoning
        What stood in ``<think>…</think>``, if anything did.
    dropped
        Genes that are in no vocabulary.
    doubled
        Genes that were named again after their first place.
    """

    value: Any
    reasoning: str = ""
    dropped: int = 0
    doubled: int = 0


def read_answer(text: str, *, tagged: bool) -> Answer | Failure:
    r"""Cut the answer and the reasoning out of ``text``.

    Parameters
    ----------
    text
        What the model wrote.
    tagged
        Whether the answer stands in ``<answer>…</answer>``, with optional reasoning in
        ``<think>…</think>`` before it. Otherwise all of ``text`` is the answer.

    Returns
    -------
    An :class:`Answer` whose value is the text of the answer, or a :class:`Failure`.

    Examples
    --------
    >>> from sc_duality.tasks import read_answer
    >>> read_answer("<think>CD79A is high</think>\n<answer>\nB cell</answer>", tagged=True)
    Answer(value='B cell', reasoning='CD79A is high', dropped=0, doubled=0)
    >>> read_answer("B cell", tagged=True).reason
    <Reason.NO_TAG: 'no answer tag'>
    """
    reasoning = ""
    if tagged:
        # Reasoning may mention the tags: what counts comes after its end.
        thought, closed, rest = text.rpartition("</think>")
        if closed:
            reasoning = thought.partition("<think>")[2].strip()
            text = rest
        if text.count("<answer>") > 1 or text.count("</answer>") > 1:
            return Failure(Reason.TWO_ANSWERS, text[:80])
        start, end = text.find("<answer>"), text.find("</answer>")
        if start < 0 or end < start:
            return Failure(Reason.NO_TAG, text[:80])
        text = text[start + len("<answer>") : end]
    text = text.strip()
    return Answer(text, reasoning) if text else Failure(Reason.EMPTY)


def normal_form(label: str) -> str:
    """``label`` as it is compared: case and white space (or ``_``) do not matter.

    Examples
    --------
    >>> from sc_duality.tasks import normal_form
    >>> normal_form(" B_Cell")
    'b cell'
    """
    return re.sub(r"[\s_]+", " ", label).strip().casefold()


def read_label(text: str, labels: Sequence[str]) -> Answer | Failure:
    """Find ``text`` in ``labels``, whatever its case and spacing, but never by a part of it.

    Examples
    --------
    >>> from sc_duality.tasks import read_label
    >>> read_label("b  CELL", ["B cell", "T cell"]).value
    'B cell'
    >>> read_label("B cell or T cell", ["B cell", "T cell"]).reason
    <Reason.UNKNOWN_LABEL: 'unknown label'>
    """
    wanted = normal_form(text)
    for label in labels:
        if normal_form(label) == wanted:
            return Answer(label)
    return Failure(Reason.UNKNOWN_LABEL, text[:80])


def read_genes(text: str, known: Collection[str] | None = None) -> Answer | Failure:
    """Read genes that are separated by spaces or commas, best first.

    Parameters
    ----------
    text
        The list as the model wrote it.
    known
        Names that count (a set makes this fast). Others are dropped and counted.

    Returns
    -------
    An :class:`Answer` whose value is a tuple of genes, each at its first place, or a
    :class:`Failure` where none is left.

    Examples
    --------
    >>> from sc_duality.tasks import read_genes
    >>> read_genes("CD79A, MS4A1 CD79A WHAT", known={"CD79A", "MS4A1"})
    Answer(value=('CD79A', 'MS4A1'), reasoning='', dropped=1, doubled=1)
    """
    names = text.replace(",", " ").split()
    if not names:
        return Failure(Reason.EMPTY)
    kept = [name for name in names if known is None or name in known]
    if not kept:
        return Failure(Reason.NO_KNOWN_GENE, text[:80])
    unique = tuple(dict.fromkeys(kept))
    return Answer(unique, dropped=len(names) - len(kept), doubled=len(kept) - len(unique))
