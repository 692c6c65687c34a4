"""Guards of a reward for texts: factors from 0 to 1 that fall where a text scores high without saying the same.

Token similarity hardly tells a sentence from its negation, its words in another order, a list of its keywords, or
its words again and again. Each guard compares a candidate with its reference and is 1 for the reference itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

_TOKEN = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nor|neither|without|cannot|lacks?|lacking|lacked|absent|absence|fails?|failed)\b|n[’']t\b",
    re.IGNORECASE,
)
#: Words that a sentence needs and a list of keywords lacks.
_GRAMMAR = frozenset(
    _TOKEN.findall(
        "a an and are as at be been between but by can for from had has have in into is it its may of on or over "
        "such than that the their them these they this those through to was were what when where which while who "
        "with within"
    )
)
#: Words of a reference between two neighbours of a candidate at most, where these count as in order.
_GAP = 3
#: Share of the reference's function words, and of its words, that is enough; words more than it that are not too many.
_ENOUGH_GRAMMAR, _SHORTEST, _LONGEST = 0.5, 0.5, 1.5


def guard(candidate: str, reference: str) -> float:
    """The product of all guards, 0 for an empty text.

    Examples
    --------
    >>> from sc_duality.rewards._text_guards import guard
    >>> reference = "These are B cells of the blood that express CD79A."
    >>> guard(reference, reference), guard("These are not B cells of the blood that express CD79A.", reference)
    (1.0, 0.0)
    """
    tokens, true = _tokens(candidate), _tokens(reference)
    if not tokens or not true:
        return 0.0
    found = _negation(candidate, reference)
    for factor in _GUARDS:
        found *= factor(tokens, true)
    return found


def _tokens(text: str) -> list[str]:
    return [token.lower() for token in _TOKEN.findall(text)]


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
    positions: dict[str, list[int]] = {}
    for i, token in enumerate(reference):
        positions.setdefault(token, []).append(i)
    pairs = list(pairwise(candidate))
    apart = sum(
        a in positions and b in positions and not any(0 < j - i <= _GAP for i in positions[a] for j in positions[b])
        for a, b in pairs
    )
    return 1 - apart / len(pairs) if pairs else 1.0


def _sentence(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """Share of function words, in relation to half of that of the reference."""
    enough = _ENOUGH_GRAMMAR * _grammar_share(reference)
    return min(1.0, _grammar_share(candidate) / enough) if enough else 1.0


def _grammar_share(tokens: Sequence[str]) -> float:
    return sum(token in _GRAMMAR for token in tokens) / len(tokens)


def _repetition(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """Share of distinct neighbours, in relation to that of the reference."""
    return min(1.0, _distinct(candidate) / _distinct(reference))


def _distinct(tokens: Sequence[str]) -> float:
    pairs = list(pairwise(tokens))
    return len(set(pairs)) / len(pairs) if pairs else 1.0


def _length(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """1 from half to one and a half times as many words as the reference."""
    n, true = len(candidate), len(reference)
    return min(1.0, n / (_SHORTEST * true), _LONGEST * true / n)


_GUARDS: tuple[Callable[[Sequence[str], Sequence[str]], float], ...] = (_order, _sentence, _repetition, _length)
