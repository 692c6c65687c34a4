"""Answers that are text in natural language, such as a caption, an abstract or the answer to a question."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..metrics import token_f1
from ._parse import SHOWN, Answer, Failure, Reason

#: What a gene symbol looks like among words: capitals and digits, or a name that ends in a number, as in mouse.
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]*[A-Z0-9](?:[-.][A-Z0-9]+)*|[A-Z][a-z]+[0-9]+[a-z0-9]*(?:-[a-z0-9]+)*")
#: Words from which a text can be a list of genes, and the share of symbols from which it is.
_MIN_WORDS, _MAX_SYMBOLS = 5, 0.6
#: The longest symbol in capitals; longer words are headings.
_LONGEST_SYMBOL = 10
#: How a text without answer tags ends if it is complete.
_COMPLETE = re.compile(r"[.!?][)\]\"'”’*_]*$")


@dataclass(frozen=True)
class FreeText:
    """Text in natural language of any wording.

    A list of genes instead of text, and a text of more than ``max_words`` words, cannot be read.

    Parameters
    ----------
    max_words
        Words of the longest text that is read.

    Examples
    --------
    >>> from sc_duality.tasks import FreeText
    >>> text = FreeText(max_words=20)
    >>> text.parse(" These are B cells. ").value
    'These are B cells.'
    >>> text.parse("CD79A MS4A1 CD74 CD37 HLA-DRA").reason
    <Reason.GENE_LIST: 'a list of genes instead of text'>
    >>> text.similarity("B cells express CD79A.", "CD79A marks B cells")
    0.75
    """

    max_words: int = 300

    options = None
    longest = None
    #: No text, for the length of a dual prompt without it.
    empty = ""

    @property
    def n_tokens(self) -> int:
        """Half a token a word: a word takes fewer tokens than a gene symbol or the name of a cell type."""
        return -(-self.max_words // 2)

    def size(self, answer: str) -> int:
        """Number of words."""
        return max(len(answer.split()), 1)

    def write(self, answer: str) -> str:
        """The text."""
        return answer

    def parse(self, text: str) -> Answer | Failure:
        """Read the whole text."""
        text = text.strip()
        words = text.split()
        if not any(map(str.isalpha, text)):
            return Failure(Reason.EMPTY, text[:SHOWN])
        if len(words) > self.max_words:
            return Failure(Reason.TOO_LONG, f"{len(words)} words: {text[:SHOWN]}")
        if _is_gene_list(words):
            return Failure(Reason.GENE_LIST, text[:SHOWN])
        return Answer(text)

    def find(self, text: str, *, sentence: bool) -> Answer | Failure:
        """Read a text without answer tags if it ends with a sentence: else it may have been cut."""
        if not sentence and not _COMPLETE.search(text.strip()):
            return Failure(Reason.NO_TAG, text[:SHOWN])
        return self.parse(text)

    def similarity(self, target: str, answer: str) -> float:
        """Overlap of the words of both texts, see :func:`sc_duality.metrics.token_f1`."""
        return token_f1(target, answer)


def _is_gene_list(words: list[str]) -> bool:
    """Whether most words look like gene symbols."""
    if len(words) < _MIN_WORDS:
        return False
    names = [word.strip("*_`\"'.,;:|()[]") for word in words]
    symbols = [name for name in names if len(name) <= _LONGEST_SYMBOL and _SYMBOL.fullmatch(name)]
    return len(symbols) >= _MAX_SYMBOLS * len(words)
