"""Read what a model wrote. Its text is data: every way in which it can be wrong has a name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from ..metrics import normal_form

_TAG = re.compile("<(?i:/?(?:think|answer)>)", re.ASCII)
#: Characters of an unreadable answer that are kept to show what was wrong.
SHOWN = 80


class Reason(StrEnum):
    """Why an answer could not be read."""

    EMPTY = "empty"
    NO_TAG = "no answer tag"
    TWO_ANSWERS = "more than one answer"
    UNFINISHED = "reasoning without an end"
    UNKNOWN_LABEL = "unknown label"
    NO_KNOWN_GENE = "no known gene"
    WRONG_COUNT = "wrong number of answers"
    DUPLICATE = "a label used too often"
    NOT_A_NAME = "not a short name"
    TOO_LONG = "longer than asked for"
    GENE_LIST = "a list of genes instead of text"


@dataclass(frozen=True)
class Failure:
    """An answer that could not be read: the reason, and the piece of text that shows it."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer that was read.

    Parameters
    ----------
    value
        A label, a tuple of labels, or a tuple of genes.
    reasoning
        The text in ``<think>…</think>``, if there is any.
    n_unknown
        Names that are not in the vocabulary.
    n_duplicates
        Genes that were named again after their first rank.
    """

    value: Any
    reasoning: str = ""
    n_unknown: int = 0
    n_duplicates: int = 0


def split_completion(text: str, *, tagged: bool) -> Answer | Failure:
    r"""Split a completion into its answer and its reasoning.

    Parameters
    ----------
    text
        What the model wrote.
    tagged
        Whether the answer stands in ``<answer>…</answer>``, once, with optional reasoning in ``<think>…</think>``.
        Tags may be in capitals. Reasoning goes from the first ``<think>``, or the start where the prompt has opened
        it, to the last ``</think>``, and may mention any tag. Otherwise all of ``text`` is the answer.

    Returns
    -------
    An :class:`Answer` whose value is the text of the answer, or a :class:`Failure`.

    Examples
    --------
    >>> from sc_duality.tasks import split_completion
    >>> split_completion("<think>CD79A is high</think>\n<answer>\nB cell</answer>", tagged=True)
    Answer(value='B cell', reasoning='CD79A is high', n_unknown=0, n_duplicates=0)
    >>> split_completion("B cell", tagged=True).reason
    <Reason.NO_TAG: 'no answer tag'>
    """
    if not tagged:
        return _not_empty(text, "")
    thought, closed, after = _TAG.sub(lambda tag: tag[0].lower(), text).rpartition("</think>")
    before, opened, reasoning = thought.partition("<think>")
    if closed and (not opened or "</think>" in before):  # the prompt has opened it
        before, reasoning = "", thought
    if any(before.count(tag) + after.count(tag) > 1 for tag in ("<answer>", "</answer>")):
        return Failure(Reason.TWO_ANSWERS, text[:SHOWN])
    if "<think>" in after:
        return Failure(Reason.UNFINISHED, text[:SHOWN])
    # An answer that opens before the reasoning and closes after it does not count.
    _, _, rest = (after if "<answer>" in after else before).partition("<answer>")
    answer, ended, _ = rest.partition("</answer>")
    if not ended:
        return Failure(Reason.NO_TAG, text[:SHOWN])
    return _not_empty(answer, reasoning.strip())


def _not_empty(answer: str, reasoning: str) -> Answer | Failure:
    answer = answer.strip()
    return Answer(answer, reasoning) if answer else Failure(Reason.EMPTY)


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
    label = _by_normal_form(tuple(labels)).get(normal_form(text))
    return Failure(Reason.UNKNOWN_LABEL, text[:SHOWN]) if label is None else Answer(label)


@lru_cache(maxsize=256)
def _by_normal_form(labels: tuple[str, ...]) -> Mapping[str, str]:
    """Each label by its normal form; where two share one, the first."""
    return {normal_form(label): label for label in reversed(labels)}


def read_labels(text: str, labels: Sequence[str], n: int | None = None) -> Answer | Failure:
    """Read a list of labels separated by ``|``, one a cell.

    Parameters
    ----------
    text
        The list as the model wrote it.
    labels
        Options; none may be used more often than listed here.
    n
        Number of labels in the answer. By default that of the options; each is then used exactly as often as
        listed.

    Returns
    -------
    An :class:`Answer` whose value is a tuple of labels, or a :class:`Failure`.

    Examples
    --------
    >>> from sc_duality.tasks import read_labels
    >>> read_labels("T cell | b cell", ["B cell", "T cell"]).value
    ('T cell', 'B cell')
    >>> read_labels("T cell | t cell", ["B cell", "T cell"]).reason
    <Reason.DUPLICATE: 'a label used too often'>
    """
    n = len(labels) if n is None else n
    pieces = text.split("|", n)
    if not text.strip():
        return Failure(Reason.EMPTY)
    if len(pieces) != n:
        return Failure(Reason.WRONG_COUNT, text[:SHOWN])
    found = [read_label(piece, labels) for piece in pieces]
    for label in found:
        if isinstance(label, Failure):
            return label
    values = tuple(label.value for label in found if isinstance(label, Answer))
    too_often = Counter(values) - Counter(labels)
    return Failure(Reason.DUPLICATE, next(iter(too_often))) if too_often else Answer(values)


def read_genes(text: str, vocabulary: Collection[str] | None = None) -> Answer | Failure:
    """Read genes separated by spaces or commas, highest expression first.

    Parameters
    ----------
    text
        The list as the model wrote it.
    vocabulary
        Symbols that count (a set or dict is fastest). Others are dropped and counted. Case and look-alike letters
        are not corrected.

    Returns
    -------
    An :class:`Answer` whose value is a tuple of genes, each at its first rank, or a :class:`Failure` if none is left.

    Examples
    --------
    >>> from sc_duality.tasks import read_genes
    >>> read_genes("CD79A, MS4A1 CD79A FOO", {"CD79A", "MS4A1"})
    Answer(value=('CD79A', 'MS4A1'), reasoning='', n_unknown=1, n_duplicates=1)
    """
    names = text.replace(",", " ").split()
    if not names:
        return Failure(Reason.EMPTY)
    kept = names if vocabulary is None else list(filter(vocabulary.__contains__, names))
    if not kept:
        return Failure(Reason.NO_KNOWN_GENE, text[:SHOWN])
    unique = tuple(dict.fromkeys(kept))
    return Answer(unique, n_unknown=len(names) - len(kept), n_duplicates=len(kept) - len(unique))
