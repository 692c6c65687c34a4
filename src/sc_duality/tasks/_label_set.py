"""Answers that are a set of labels, such as the cell types of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

from ._parse import SHOWN, Answer, Failure, Reason, read_label

#: More sets than this are not listed one by one.
_MOST_SETS = 120


@dataclass(frozen=True)
class LabelSet:
    """One or more of several labels, in any order.

    A set is a tuple of labels in the order of ``labels``.

    Parameters
    ----------
    labels
        Labels to choose from.
    texts
        How the prompt format writes each of them.
    most
        Labels of a set at most.

    Examples
    --------
    >>> from sc_duality.tasks import LabelSet
    >>> types = LabelSet(("B cell", "T cell", "NK cell"), ("B_cell", "T_cell", "NK_cell"))
    >>> types.parse("NK_cell | b_cell").value, types.write(("B cell", "NK cell"))
    (('B cell', 'NK cell'), 'B_cell | NK_cell')
    >>> types.similarity(("B cell", "NK cell"), ("B cell", "T cell"))
    0.333...
    """

    labels: tuple[str, ...]
    texts: tuple[str, ...]
    most: int | None = None

    @cached_property
    def _text(self) -> dict[str, str]:
        return dict(zip(self.labels, self.texts, strict=True))

    @cached_property
    def _label(self) -> dict[str, str]:
        """Labels by how they are written, and by themselves."""
        return dict(zip(self.texts, self.labels, strict=True)) | {label: label for label in self.labels}

    @property
    def _size(self) -> int:
        """Number of labels of the largest set."""
        return len(self.labels) if self.most is None else min(self.most, len(self.labels))

    @cached_property
    def options(self) -> tuple[tuple[str, ...], ...] | None:
        """Every set, if there are at most 120, such as those of six labels."""
        sizes = range(1, self._size + 1)
        if sum(comb(len(self.labels), size) for size in sizes) > _MOST_SETS:
            return None
        return tuple(one for size in sizes for one in combinations(self.labels, size))

    @property
    def n_tokens(self) -> int:
        """Tokens of the longest labels and of what separates them."""
        return sum(len(self._text[label].split()) + 1 for label in self.longest)

    @property
    def longest(self) -> tuple[str, ...]:
        """The set with the longest labels."""
        return self._ordered(sorted(self.labels, key=lambda label: -len(self._text[label]))[: self._size])

    def size(self, answer: Sequence[str]) -> int:
        """Number of labels."""
        return len(answer)

    def write(self, answer: Sequence[str]) -> str:
        """Labels separated by ``|``."""
        return " | ".join(self._text[label] for label in answer)

    def parse(self, text: str) -> Answer | Failure:
        """Read labels separated by ``|``, whatever their order; a label that comes again is counted and dropped."""
        if not text.strip():
            return Failure(Reason.EMPTY)
        found = [read_label(piece, tuple(self._label)) for piece in text.split("|")]
        failed = next((one for one in found if isinstance(one, Failure)), None)
        if failed is not None:
            return failed
        labels = [self._label[one.value] for one in found if isinstance(one, Answer)]
        value = self._ordered(labels)
        if len(value) > self._size:
            return Failure(Reason.WRONG_COUNT, text[:SHOWN])
        return Answer(value, n_duplicates=len(labels) - len(value))

    def similarity(self, target: Sequence[str], answer: Sequence[str]) -> float:
        """Jaccard similarity of the sets."""
        return len(set(target) & set(answer)) / len(set(target) | set(answer))

    def _ordered(self, labels: Sequence[str]) -> tuple[str, ...]:
        chosen = set(labels)
        return tuple(label for label in self.labels if label in chosen)
