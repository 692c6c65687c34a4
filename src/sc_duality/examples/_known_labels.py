"""Labels that a model knows, by all the names that people have for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from ..cells import cell_type_key, ontology_ancestors, ontology_name, ontology_term
from ..metrics import normal_form
from ..models import ModelSpec

#: Parts of names that many cell types share.
_COMMON = frozenset({"cell", "positive", "negative", "alpha", "beta", "type", "of", "and", "the"})
#: Share of their ancestors that a type has in common with one that may be meant instead.
_MIN_SHARED = 0.75
#: Likeness of each part of a misspelled name to the right one.
_MIN_LIKENESS = 0.85


class Meant(NamedTuple):
    """What an option stands for."""

    #: The model's own label, or the name of the coarser type.
    name: str
    #: The labels of the model that it stands for.
    members: tuple[str, ...]


class KnownLabels:
    """Labels of a model with their other names.

    Parameters
    ----------
    labels
        The labels.
    synonyms
        Other names, each with its label.
    coarse
        The coarse type of each label.
    ontology
        The Cell Ontology id of labels and coarse types.
    cell_types
        Whether the labels are cell types, which have the names and ancestors of the Cell Ontology.
    """

    def __init__(
        self,
        labels: Sequence[str],
        synonyms: Mapping[str, str] | None = None,
        coarse: Mapping[str, str] | None = None,
        ontology: Mapping[str, str] | None = None,
        *,
        cell_types: bool = False,
    ) -> None:
        self.labels, self.cell_types = tuple(labels), cell_types
        names = {other: label for other, label in (synonyms or {}).items() if label in self.labels}
        types = {label: (label,) for label in labels}
        for label, name in (coarse or {}).items():
            if name not in labels and label in self.labels:
                types[name] = (*types.get(name, ()), label)
        names = {name: name for name in types} | names
        self._types = types
        self._by_name = {normal_form(name): own for name, own in reversed(names.items())}
        self._by_key = _unique((cell_type_key(name), own) for name, own in names.items()) if cell_types else {}
        known = ontology or {}
        self._terms = {name: ontology_term(known.get(name, name)) for name in types} if cell_types else {}

    @classmethod
    def of_cell_types(cls, spec: ModelSpec, further: Sequence[str] = ()) -> KnownLabels:
        """The cell types that a model knows, and ``further`` ones."""
        known = spec.known
        return cls(
            [*known("annotation", "labels", ()), *further],
            known("annotation", "synonyms", {}),
            known("annotation", "coarse", {}),
            known("annotation", "ontology", {}),
            cell_types=True,
        )

    def meant(self, label: str) -> Meant | None:
        """The labels that another name stands for; ``None`` if the model knows none.

        A label of the model stands for itself, a coarser type for all labels of that type.
        """
        same = self.same(label)
        if same is not None:
            return Meant(same, self._types[same])
        term = ontology_term(label) if self.cell_types else None
        if term is None:
            return None
        below = tuple(label for label in self.labels if self._is_below(label, term))
        return Meant(below[0] if len(below) == 1 else ontology_name(term), below) if below else None

    def same(self, label: str) -> str | None:
        """The known label, or coarse type, with another name; types below it are not meant."""
        own = self._by_name.get(normal_form(label))
        if own is not None or not self.cell_types:
            return own
        key = cell_type_key(label)
        own = self._by_key.get(key) or self._by_key.get(f"{key} cell")
        if own is not None:
            return own
        term = ontology_term(label)
        return None if term is None else next((name for name, other in self._terms.items() if other == term), None)

    def _is_below(self, name: str, term: str) -> bool:
        own = self._terms[name]
        return own is not None and term in ontology_ancestors(own)

    def relatives(self, label: str) -> list[str]:
        """Known types that an unknown label may be: the nearest coarser one, related ones, or of the same name."""
        term = ontology_term(label) if self.cell_types else None
        if term is None:
            spelled = {name: _likeness(name, label) for name in self._types}
            best = max(spelled, key=lambda name: spelled[name], default="")
            if spelled.get(best, 0) >= _MIN_LIKENESS:
                return [best]
            return [name for name in self._types if self.cell_types and _is_part(name, label)][:3]
        above = [name for name, own in self._terms.items() if own is not None and own in ontology_ancestors(term)]
        if above:
            return [max(above, key=self._depth)]
        near = {name: self._shared(name, term) for name in self.labels}
        return sorted((name for name in near if near[name] >= _MIN_SHARED), key=lambda name: -near[name])[:3]

    def _shared(self, name: str, term: str) -> float:
        """Share of the ancestors of either type that both have."""
        own = self._terms[name]
        if own is None:
            return 0.0
        sides = ontology_ancestors(own) - {own}, ontology_ancestors(term) - {term}
        return len(sides[0] & sides[1]) / len(sides[0] | sides[1])

    def _depth(self, name: str) -> int:
        return len(ontology_ancestors(self._terms[name] or "CL:0000000"))


def _likeness(name: str, label: str) -> float:
    """Likeness of the least alike parts of two names, 0 to 1: "T cell" and "B cell" are not alike."""
    parts, others = cell_type_key(name).split(), cell_type_key(label).split()
    if len(parts) != len(others) or not parts:
        return 0.0
    return min(SequenceMatcher(None, *pair).ratio() for pair in zip(parts, others, strict=True))


def _is_part(name: str, label: str) -> bool:
    """Whether every part of ``name`` that tells it from other cell types is a part of ``label``."""
    parts = set(cell_type_key(name).split()) - _COMMON
    return bool(parts) and parts <= set(cell_type_key(label).split())


def _unique(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The label of each key; no label where two share it."""
    found: dict[str, set[str]] = {}
    for key, label in names:
        found.setdefault(key, set()).add(label)
    return {key: next(iter(labels)) for key, labels in found.items() if len(labels) == 1}
