"""Guards of a reward for texts: factors from 0 to 1 that fall where a text scores high without saying the same.

Token similarity hardly tells a sentence from its negation, its words in another order, a list of its keywords, or
its words again and again. Each guard compares a candidate with its reference and is 1 for the reference itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nor|neither|without|cannot|lacks?|lacking|lacked|absent|absence|fails?|failed)\b|n[’']t\b",
    re.IGNORECASE,
)
#: Words that a sentence needs and a list of keywords lacks.
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        "a an and are as at be been between but by can for from had has have in into is it its may of on or over "
        "such than that the their them these they this those through to was were what when where which while who "
        "with within"
    )
)
#: Words of a reference between two neighbours of a candidate at most, where these count as in order.
_GAP = 3
#: Share of the reference's function words, and of its words, that is enough; words more than it that are not too many.
_ENOUGH_FUNCTION_WORDS, _SHORTEST, _LONGEST = 0.5, 0.5, 1.5


def guard(candidate: str, reference: str) -> float:
    """The product of all guards, 0 for an empty text.

    Examples
    --------
    >>> from sc_duality.rewards._text_guards import guard
    >>> reference = "These are B cells of the blood that express CD79A."
    >>> guard(reference, reference), guard("These are not B cells of the blood that express CD79A.", reference)
    (1.0, 0.0)
    """
    words, true = _words(candidate), _words(reference)
    if not words or not true:
        return 0.0
    found = _negation(candidate, reference)
    for factor in _GUARDS:
        found *= factor(words, true)
    return found


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _negation(candidate: str, reference: str) -> float:
    """1 − the difference of the shares of sentences with a negation."""
    return 1 - abs(_negated(candidate) - _negated(reference))


def _negated(text: str) -> float:
    sentences = [one for one in _SENTENCE.split(text) if one.strip()]
    return sum(_NEGATION.search(one) is not None for one in sentences) / max(1, len(sentences))


def _order(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """1 − the share of neighbours that are both of the reference and do not follow each other closely in it.

    A text with all words of the reference has to have them in its order; a text in other words is free.
    """
    places: dict[str, list[int]] = {}
    for i, word in enumerate(reference):
        places.setdefault(word, []).append(i)
    pairs = list(pairwise(candidate))
    apart = sum(
        a in places and b in places and not any(0 < j - i <= _GAP for i in places[a] for j in places[b])
        for a, b in pairs
    )
    return 1 - apart / len(pairs) if pairs else 1.0


def _sentence(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """Share of function words, in relation to half of that of the reference."""
    enough = _ENOUGH_FUNCTION_WORDS * _function_words(reference)
    return min(1.0, _function_words(candidate) / enough) if enough else 1.0


def _function_words(words: Sequence[str]) -> float:
    return sum(word in _FUNCTION_WORDS for word in words) / len(words)


def _repetition(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """Share of distinct neighbours, in relation to that of the reference."""
    return min(1.0, _distinct(candidate) / _distinct(reference))


def _distinct(words: Sequence[str]) -> float:
    pairs = list(pairwise(words))
    return len(set(pairs)) / len(pairs) if pairs else 1.0


def _length(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """1 from half to one and a half times as many words as the reference."""
    n, true = len(candidate), len(reference)
    return min(1.0, n / (_SHORTEST * true), _LONGEST * true / n)


_GUARDS: tuple[Callable[[Sequence[str], Sequence[str]], float], ...] = (_order, _sentence, _repetition, _length)
