"""Overlap of the words of two texts."""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"[^\W_]+(?:[-.'’][^\W_]+)*")


def token_f1(reference: str, text: str) -> float:
    """Overlap of the words of a text with those of a reference: the harmonic mean of precision and recall.

    Case and punctuation do not count; a word counts as often as it stands in both. It needs no model, and does not see
    what words mean or in which order they stand.

    Parameters
    ----------
    reference
        The reference text.
    text
        The text that is compared with it.

    Returns
    -------
    A value from 0 to 1; 0 if either text has no word.

    Notes
    -----
    The F1 score of SQuAD (Rajpurkar et al. 2016), with articles.

    Examples
    --------
    >>> from sc_duality.metrics import token_f1
    >>> token_f1("B cells express CD79A.", "CD79A marks B cells")
    0.75
    """
    expected, found = _words(reference), _words(text)
    shared = (expected & found).total()
    return 2 * shared / (expected.total() + found.total()) if shared else 0.0


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))
