"""Share of keywords that a text names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._checks import lists_of_names

#: What may not stand next to a keyword: it would be part of a longer word or gene symbol.
_BEFORE, _AFTER = r"(?<![\w-])", r"(?!\w|-(?-i:[A-Z0-9]))"


def keyword_recall(texts: Sequence[str | None], keywords: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Share of the keywords of each text that it names, such as cell types and marker genes.

    Parameters
    ----------
    texts
        Generated texts; None where there is none.
    keywords
        The keywords of each text, words or phrases.

    Returns
    -------
    float64 (n,): from 0 to 1; NaN for a text without keywords. A keyword is found as whole words, whatever their case,
    also in the plural.

    Raises
    ------
    TypeError
        ``texts`` is one text, or the keywords of a text are.
    ValueError
        The numbers differ, there are none, or a keyword is empty.

    Notes
    -----
    C2S-Scale annotates each answer of its question answering data with keywords.

    Examples
    --------
    >>> from sc_duality.metrics import keyword_recall
    >>> keyword_recall(["CD8+ T cells that express GZMB.", "B cells"], [["T cell", "GZMB"], ["T cell"]])
    array([1., 0.])
    """
    lists_of_names([texts, keywords, *keywords])
    if len(texts) != len(keywords) or not len(texts):
        raise ValueError(f"{len(texts)} texts and {len(keywords)} lists of keywords: pass one for each, at least 1")
    return np.array([_recall(text or "", chosen) for text, chosen in zip(texts, keywords, strict=True)])


def _recall(text: str, keywords: Sequence[str]) -> float:
    patterns = {_pattern(keyword) for keyword in keywords}
    return float(np.mean([re.search(one, text, re.IGNORECASE) is not None for one in patterns])) if patterns else np.nan


def _pattern(keyword: str) -> str:
    parts = [re.escape(part.lower()) for part in keyword.split()]
    if not parts:
        raise ValueError(f"the keyword {keyword!r} is empty: leave it out")
    return _BEFORE + r"\s+".join(parts) + "s?" + _AFTER
