"""Kinds of answers: how each is written, parsed and compared with its target. A label is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from ..metrics import exact_match
from ._label_in_text import label_in_text
from ._parse import Answer, Failure, read_label


class AnswerType(Protocol):
    """What the answer to a question may be. Everything that scores, trains or samples reads answers through this."""

    @property
    def options(self) -> Sequence[Any] | None:
        """All possible answers, or ``None`` where they are too many to list."""

    @property
    def n_tokens(self) -> int:
        """Tokens of the longest answer, with one token for each gene and each word of a label."""

    @property
    def longest(self) -> Any:
        """An answer of the greatest length; ``None`` where only the token budget limits it."""

    def size(self, answer: Any) -> int:
        """Parts of an answer, such as genes, by whose number a log-likelihood is divided."""

    def write(self, answer: Any) -> str:
        """An answer as text."""

    def parse(self, text: str) -> Answer | Failure:
        """Read an answer from text."""

    def similarity(self, target: Any, answer: Any) -> float:
        """How well ``answer`` matches ``target``, in [0, 1]."""


@dataclass(frozen=True)
class Label:
    """One of several options, such as a cell type, a drug response or a perturbation.

    Parameters
    ----------
    options
        Possible answers.
    texts
        How the prompt format writes each of them.

    Examples
    --------
    >>> from sc_duality.tasks import Label
    >>> cell_type = Label(("B cell", "T cell"), ("B_cell", "T_cell"))
    >>> cell_type.parse("t cell").value, cell_type.write("B cell"), cell_type.similarity("B cell", "T cell")
    ('T cell', 'B_cell', 0.0)
    """

    options: tuple[Any, ...]
    texts: tuple[str, ...]

    @cached_property
    def _text(self) -> dict[Any, str]:
        return dict(zip(self.options, self.texts, strict=True))

    @cached_property
    def _option(self) -> dict[str, Any]:
        """Options by how they are written, and by themselves."""
        return dict(zip(self.texts, self.options, strict=True)) | {str(option): option for option in self.options}

    @cached_property
    def n_tokens(self) -> int:
        """Tokens of the longest option."""
        return max(len(text.split()) for text in self.texts)

    @property
    def longest(self) -> Any:
        """The option with the longest text."""
        return max(self.options, key=lambda option: len(self._text[option]))

    def size(self, answer: Any) -> int:
        """A label counts as one part."""
        return 1

    def write(self, answer: Any) -> str:
        """How the prompt format writes this option."""
        if answer not in self._text:
            raise ValueError(f"{str(answer)!r} is not one of the options {', '.join(map(str, self.options))}")
        return self._text[answer]

    def parse(self, text: str) -> Answer | Failure:
        """Find the option whatever its case and spacing, never by a part of it."""
        found = read_label(text, tuple(self._option))
        return found if isinstance(found, Failure) else Answer(self._option[found.value])

    def find(self, text: str, *, sentence: bool) -> Answer | Failure:
        """Find the one option in common forms of an answer; ``sentence`` allows one around it.

        Examples
        --------
        >>> from sc_duality.tasks import Label
        >>> cell_type = Label(("B cell", "T cell"), ("B cell", "T cell"))
        >>> cell_type.find("2. **B cell**", sentence=False).value
        'B cell'
        >>> cell_type.find("It is not a B cell.", sentence=True).reason
        <Reason.UNKNOWN_LABEL: 'unknown label'>
        """
        found = label_in_text(text, tuple(self._option), sentence=sentence)
        return found if isinstance(found, Failure) else Answer(self._option[found.value])

    def similarity(self, target: Any, answer: Any) -> float:
        """1 for the right option, else 0 (CellDuality, equation 2)."""
        return exact_match(target, answer)
