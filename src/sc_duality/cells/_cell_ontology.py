"""Terms of the Cell Ontology: their ids, names and ancestors, with the tables in ``cell_ontology``."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from ._cell_type_names import cell_type_key, ontology_id


class _Term(NamedTuple):
    """A row of the table of terms."""

    name: str
    synonyms: tuple[str, ...]
    parents: tuple[str, ...]
    replaces: tuple[str, ...]


class _Index(NamedTuple):
    """The term of each name by its key, ``None`` where several terms share the name."""

    names: Mapping[str, str | None]
    abbreviations: Mapping[str, str | None]
    synonyms: Mapping[str, str | None]


def ontology_term(name: str) -> str | None:
    """The Cell Ontology id of a cell type, by its id, name, abbreviation or exact synonym.

    Case, plural, hyphens, underscores and a trailing full stop do not count; ``+`` is ``positive``, and the word
    ``cell`` may be missing. A name that several terms have has no id. Abbreviations are those of single-cell data:
    ``CD16+ monocyte`` is the non-classical monocyte.

    Parameters
    ----------
    name
        Name of a cell type, or an id such as ``"CL:0000236"``, that of an obsolete term included.

    Returns
    -------
    The id, or ``None`` if the shipped ontology has no or more than one term of this name.

    Examples
    --------
    >>> from sc_duality.cells import ontology_term
    >>> ontology_term("B cells"), ontology_term("Treg"), ontology_term("my cells")
    ('CL:0000236', 'CL:0000815', None)
    """
    term = ontology_id(name)
    if term is not None:
        return _replaced().get(term, term if term in _terms() else None)
    key, index = cell_type_key(name), _index()
    tables = [index.names, index.abbreviations, index.synonyms]
    if "+" in name:  # "CD14-positive monocyte" is a term, "CD14+ monocyte" an abbreviation of another one
        tables = [index.abbreviations, index.names, index.synonyms]
    keys = [key, f"{key} cell"] if len(key) > 1 else [key]
    return next((table[key] for key in keys for table in tables if key in table), None)


def ontology_name(term: str) -> str:
    """The name of a Cell Ontology term.

    Parameters
    ----------
    term
        The id.

    Raises
    ------
    KeyError
        The shipped ontology does not have this id.

    Examples
    --------
    >>> from sc_duality.cells import ontology_name
    >>> ontology_name("CL:0000236")
    'B cell'
    """
    return _term(term).name


def ontology_short_name(term: str) -> str:
    """A short name of a Cell Ontology term for figures; its name where there is no shorter one.

    Parameters
    ----------
    term
        The id.

    Raises
    ------
    KeyError
        The shipped ontology does not have this id.

    Examples
    --------
    >>> from sc_duality.cells import ontology_short_name
    >>> ontology_short_name("CL:0000624")
    'CD4 T cell'
    """
    name = _term(term).name
    return next((short for other, short, _ in _abbreviations() if other == term and short), name)


def ontology_ancestors(term: str) -> frozenset[str]:
    """All more general terms of a Cell Ontology term ("is a"), and the term itself.

    Parameters
    ----------
    term
        The id.

    Raises
    ------
    KeyError
        The shipped ontology does not have this id.

    Examples
    --------
    >>> from sc_duality.cells import ontology_ancestors, ontology_term
    >>> ontology_term("T cell") in ontology_ancestors(ontology_term("CD8 T cell"))
    True
    """
    return frozenset({term}).union(*map(ontology_ancestors, _term(term).parents))


def ontology_definition(term: str) -> str:
    """The definition of a Cell Ontology term; empty where the ontology has none.

    Parameters
    ----------
    term
        The id.

    Raises
    ------
    KeyError
        The shipped ontology does not have this id.

    Examples
    --------
    >>> from sc_duality.cells import ontology_definition
    >>> ontology_definition("CL:0000236")
    'A lymphocyte of B lineage that is capable of B cell mediated immunity.'
    """
    _term(term)
    return _definitions().get(term, "")


def _term(term: str) -> _Term:
    if term not in _terms():
        raise KeyError(f"the shipped Cell Ontology has no term {term!r}: pass the id of a cell type, as 'CL:0000236'")
    return _terms()[term]


@cache
def _terms() -> Mapping[str, _Term]:
    """All terms, by their ids."""
    table = gzip.decompress((files(__package__) / "cell_ontology" / "terms.tsv.gz").read_bytes()).decode()
    terms = {}
    for line in table.splitlines()[1:]:
        term, name, *lists = line.split("\t")
        terms[term] = _Term(name, *(tuple(filter(None, names.split("|"))) for names in lists))
    return terms


@cache
def _definitions() -> Mapping[str, str]:
    """Definitions by the ids of their terms."""
    table = gzip.decompress((files(__package__) / "cell_ontology" / "definitions.tsv.gz").read_bytes()).decode()
    rows = (line.partition("\t") for line in table.splitlines()[1:])
    return {term: definition for term, _, definition in rows}


@cache
def _abbreviations() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """The id of a term, its short name, and other names that single-cell data have for it."""
    table = (files(__package__) / "cell_ontology" / "abbreviations.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines()[1:])
    return tuple((term, short, tuple(filter(None, other.split("|")))) for term, _, short, other in rows)


@cache
def _replaced() -> Mapping[str, str]:
    """The id that replaces each obsolete one."""
    return {old: term for term, entry in _terms().items() for old in entry.replaces}


@cache
def _index() -> _Index:
    terms = _terms().items()
    return _Index(
        _by_key((entry.name, term) for term, entry in terms),
        _by_key((name, term) for term, short, other in _abbreviations() for name in filter(None, (short, *other))),
        _by_key((name, term) for term, entry in terms for name in entry.synonyms),
    )


def _by_key(names: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, term in names:
        key = cell_type_key(name)
        found[key] = term if found.get(key, term) == term else None
    return found
