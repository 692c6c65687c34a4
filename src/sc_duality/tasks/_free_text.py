"""Answers that are text in natural language, such as a caption, an abstract or the answer to a question."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..metrics import token_f1
from ._parse import SHOWN, Answer, Failure, Reason

#: What a gene symbol looks like among words: capitals and digits, or a name that ends in a number, as in mouse.
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]*[A-Z0-9](?:[-.][A-Z0-9]+)*|[A-Z][a-z]+[0-9]+[a-z0-9]*(?:-[a-z0-9]+)*")
#: Words from which a text can be a list of genes, and the share of symbols from which it is.
_MIN_TOKENS, _MAX_SYMBOLS = 5, 0.6
#: The longest symbol in capitals; longer words are headings.
_LONGEST_SYMBOL = 10
#: How a text without answer tags ends if it is complete.
_COMPLETE = re.compile(r"[.!?][)\]\"'”’*_]*$")


@dataclass(frozen=True)
class FreeText:
    """Text in natural language, in the words of the model.

    A list of genes instead of text, and a text of more than ``max_length`` words, cannot be read.

    Parameters
    ----------
    max_length
        Words of the longest text that is read.

    Examples
    --------
    >>> from sc_duality.tasks import FreeText
    >>> text = FreeText(max_length=20)
    >>> text.parse(" These are B cells. ").value
    'These are B cells.'
    >>> text.parse("CD79A MS4A1 CD74 CD37 HLA-DRA").reason
    <Reason.GENE_LIST: 'a list of genes instead of text'>
    >>> text.similarity("B cells express CD79A.", "CD79A marks B cells")
    0.75
    """

    max_length: int = 300

    options = None
    longest = None
    #: No text, for the length of a dual prompt without it.
    empty = ""

    @property
    def n_tokens(self) -> int:
        """Length in gene symbols or names of types, as one takes as many tokens as four words."""
        return -(-self.max_length // 4)

    def size(self, answer: str) -> int:
        """Number of words."""
        return max(len(answer.split()), 1)

    def write(self, answer: str) -> str:
        """The text."""
        return answer

    def parse(self, text: str) -> Answer | Failure:
        """Read the whole text."""
        text = text.strip()
        tokens = text.split()
        if not any(map(str.isalpha, text)):
            return Failure(Reason.EMPTY, text[:SHOWN])
        if len(tokens) > self.max_length:
            return Failure(Reason.TOO_LONG, f"{len(tokens)} words: {text[:SHOWN]}")
        if _is_gene_list(tokens):
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


def _is_gene_list(tokens: list[str]) -> bool:
    """Whether most words look like gene symbols."""
    if len(tokens) < _MIN_TOKENS:
        return False
    names = [token.strip("*_`\"'.,;:|()[]") for token in tokens]
    symbols = [name for name in names if len(name) <= _LONGEST_SYMBOL and _SYMBOL.fullmatch(name)]
    return len(symbols) >= _MAX_SYMBOLS * len(tokens)
