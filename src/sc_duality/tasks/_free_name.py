"""Answers that are a name in the model's own words, such as a cell type without options to choose from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..metrics import exact_match, normal_form
from ._label_in_text import is_marked, undecorated
from ._parse import SHOWN, Answer, Failure, Reason

#: Longest name, in characters, and longest text that may hold one.
_MAX_LENGTH, _MAX_TEXT = 80, 400
#: What models write where they cannot tell.
_UNKNOWN_NAME = "unknown"
_UNKNOWN = {
    _UNKNOWN_NAME,
    "unknown cell",
    "unknown cell type",
    "unclear",
    "undetermined",
    "unidentified",
    "uncertain",
    "none",
    "n/a",
}
#: Signs of a sentence.
_SENTENCE = re.compile(
    r"[.!?;:]\s|[<>{}]|\b(?:not|cannot|unable|sorry|don't|doesn't|can't|is|are|because)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class FreeName:
    """A short name that the model finds itself, such as that of a cell type.

    Bold, quotes, a list number, a full stop and the start of a sentence are left out. An answer that says that the
    type cannot be told is ``"unknown"``.

    Examples
    --------
    >>> from sc_duality.tasks import FreeName
    >>> name = FreeName()
    >>> name.parse("The cells are **naive B cells**.").value, name.parse("Unclear").value
    ('naive B cells', 'unknown')
    >>> name.parse("They express CD79A. B cells or plasma cells.").reason
    <Reason.NOT_A_NAME: 'not a short name'>
    """

    options = None
    longest = None

    @property
    def n_tokens(self) -> int:
        """A name of a few tokens."""
        return 8

    def size(self, answer: str) -> int:
        """A name counts as one part."""
        return 1

    def write(self, answer: str) -> str:
        """The name."""
        return answer

    def parse(self, text: str) -> Answer | Failure:
        """Read one line with a name of at most 80 characters."""
        if not text.strip():
            return Failure(Reason.EMPTY)
        name = " ".join(undecorated(text).split()) if len(text) <= _MAX_TEXT and "\n" not in text.strip() else ""
        if not (0 < len(name) <= _MAX_LENGTH and name.isprintable() and any(map(str.isalpha, name))):
            return Failure(Reason.NOT_A_NAME, text[:SHOWN])
        if normal_form(name) in _UNKNOWN:
            return Answer(_UNKNOWN_NAME)
        return Failure(Reason.NOT_A_NAME, text[:SHOWN]) if _SENTENCE.search(name) else Answer(name)

    def find(self, text: str, *, sentence: bool) -> Answer | Failure:
        """Read a name without answer tags if it is marked: in bold, or after "Answer:"."""
        return self.parse(text) if sentence or is_marked(text) else Failure(Reason.NO_TAG, text[:SHOWN])

    def similarity(self, target: str, answer: str) -> float:
        """1 for the same name, else 0."""
        return exact_match(target, answer)
