"""Answers with a label for each of several cells, which are told apart together (Cell-o1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations
from math import perm
from typing import Any

from ..metrics import exact_match
from ._free_name import FreeName
from ._label_in_text import undecorated
from ._parse import SHOWN, Answer, Failure, Reason, read_labels

#: Assignments with more orders than this are not listed one by one.
_MOST_ORDERS = 120
#: The name of a cell before its label: "Cell 3:", "Cluster 3 ->", "3.".
_NUMBERED = re.compile(r"(?:(?:cell|cluster|group)\s*)?(?P<number>\d{1,3})\s*(?:[.):=-]|->|→)[\s*_`]*", re.IGNORECASE)
_DECORATION = " \t*_`-•"


@dataclass(frozen=True)
class Assignment:
    """One label for each of several cells, no label more often than it is listed (Cell-o1).

    Parameters
    ----------
    labels
        Labels to choose from, at least as many as cells.
    n_cells
        Number of cells; as many as labels by default.
    texts
        How the prompt format writes each label; as it is by default.

    Examples
    --------
    >>> from sc_duality.tasks import Assignment
    >>> batch = Assignment(("B cell", "T cell"))
    >>> batch.parse("T cell | B cell").value
    ('T cell', 'B cell')
    >>> batch.similarity(("B cell", "T cell"), ("T cell", "B cell"))
    0.0
    >>> Assignment(("B cell", "T cell"), texts=("B_cell", "T_cell")).write(("T cell", "B cell"))
    'T_cell | B_cell'
    """

    labels: tuple[str, ...]
    n_cells: int | None = None
    texts: tuple[str, ...] = ()

    @property
    def _n(self) -> int:
        return len(self.labels) if self.n_cells is None else self.n_cells

    @cached_property
    def _text(self) -> dict[str, str]:
        return dict(zip(self.labels, self.texts or self.labels, strict=True))

    @cached_property
    def options(self) -> tuple[tuple[str, ...], ...] | None:
        """Every assignment, if there are at most 120, such as those of five cells to five labels."""
        if perm(len(self.labels), self._n) > _MOST_ORDERS:
            return None
        return tuple(dict.fromkeys(permutations(self.labels, self._n)))

    @property
    def n_tokens(self) -> int:
        """Tokens of the longest labels and of what separates them."""
        return sum(len(self._text[label].split()) + 1 for label in self.longest)

    @property
    def longest(self) -> tuple[str, ...]:
        """The longest labels, as many as cells."""
        return tuple(sorted(self.labels, key=len, reverse=True)[: self._n])

    def size(self, answer: Sequence[str]) -> int:
        """Number of cells."""
        return len(answer)

    def write(self, answer: Sequence[str]) -> str:
        """Labels in the order of the cells, separated by ``|``."""
        return " | ".join(self._text[label] for label in answer)

    def parse(self, text: str) -> Answer | Failure:
        """Read one label a cell."""
        found = read_labels(text, [self._text[label] for label in self.labels], self._n)
        if isinstance(found, Failure):
            return found
        label = {text: label for label, text in self._text.items()}
        return replace(found, value=tuple(label[written] for written in found.value))

    def find(self, text: str, *, sentence: bool) -> Answer | Failure:
        r"""Read one label a cell from a numbered list, or with bold or a full stop around the labels.

        Examples
        --------
        >>> from sc_duality.tasks import Assignment
        >>> text = "1. **T cell**\n2. **B cell**"
        >>> Assignment(("B cell", "T cell")).find(text, sentence=True).value
        ('T cell', 'B cell')
        """
        listed = _listed(text, self._n)
        return Failure(Reason.WRONG_COUNT, text[:SHOWN]) if listed is None else self.parse(" | ".join(listed))

    def similarity(self, target: Sequence[str], answer: Sequence[str]) -> float:
        """Share of the cells whose label is right."""
        return sum(exact_match(*pair) for pair in zip(target, answer, strict=True)) / len(target)


@dataclass(frozen=True)
class FreeNames:
    """A name in the model's own words for each of several cells, separated by ``|`` (Cell-o1, appendix D).

    Parameters
    ----------
    n_cells
        Number of cells.

    Examples
    --------
    >>> from sc_duality.tasks import FreeNames
    >>> FreeNames(2).parse("B cell | unclear").value
    ('B cell', 'unknown')
    """

    n_cells: int

    options = None
    longest = None
    _name: FreeName = field(default=FreeName(), init=False, repr=False)

    @property
    def n_tokens(self) -> int:
        """A name of a few tokens for each cell, and what separates them."""
        return self.n_cells * (self._name.n_tokens + 1)

    def size(self, answer: Sequence[str]) -> int:
        """Number of cells."""
        return len(answer)

    def write(self, answer: Sequence[str]) -> str:
        """Names in the order of the cells, separated by ``|``."""
        return " | ".join(answer)

    def parse(self, text: str) -> Answer | Failure:
        """Read one name a cell."""
        return self._names(text, text.split("|"))

    def find(self, text: str, *, sentence: bool) -> Answer | Failure:
        """Read one name a cell from a numbered list between answer tags."""
        if not sentence:
            return Failure(Reason.NO_TAG, text[:SHOWN])
        return self._names(text, _listed(text, self.n_cells) or [])

    def similarity(self, target: Sequence[str], answer: Sequence[str]) -> float:
        """Share of the cells with the same name."""
        return sum(exact_match(*pair) for pair in zip(target, answer, strict=True)) / len(target)

    def _names(self, text: str, pieces: Sequence[str]) -> Answer | Failure:
        if not text.strip():
            return Failure(Reason.EMPTY)
        if len(pieces) != self.n_cells:
            return Failure(Reason.WRONG_COUNT, text[:SHOWN])
        found = [self._name.parse(piece) for piece in pieces]
        failed = next((one for one in found if isinstance(one, Failure)), None)
        return failed or Answer(tuple(_values(found)))


def _values(found: Sequence[Answer | Failure]) -> list[Any]:
    return [one.value for one in found if isinstance(one, Answer)]


def _listed(text: str, n: int) -> list[str] | None:
    """The ``n`` items of a list, one a line or between ``|``, whose numbers, if there are any, are 1 to n in order."""
    pieces = [piece for piece in (text.split("|") if "|" in text else text.splitlines()) if piece.strip(_DECORATION)]
    if len(pieces) != n:
        return None
    numbers = [_NUMBERED.match(piece.lstrip(_DECORATION)) for piece in pieces]
    if any(numbers) and [number and int(number["number"]) for number in numbers] != list(range(1, n + 1)):
        return None
    starts = [number.end() if number else 0 for number in numbers]
    return [undecorated(piece.lstrip(_DECORATION)[start:]) for piece, start in zip(pieces, starts, strict=True)]
