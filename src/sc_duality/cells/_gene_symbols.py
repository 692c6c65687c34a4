"""Map Ensembl ids, previous symbols and aliases of human genes to other names, with the table in ``hgnc``."""

from __future__ import annotations

import gzip
import re
from collections.abc import Container, Iterable, Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ._gene_spelling import gene_spellings

_HUMAN_ID = re.compile(r"^(ENSG\d{11})(\.\d+)?(_PAR_Y)?$")
#: Previous symbols and aliases that a text means as a gene: "CD31", "BLIMP1". Others are too often something else.
_CLEAR_ALIAS = re.compile(r"CD\d+[A-Za-z]?|(?=.{5})[A-Z]{2}[A-Z0-9-]*\d[A-Z]?")


def approved_symbols(names: NDArray[np.object_]) -> NDArray[np.object_]:
    """The names in their usual spelling, with human Ensembl ids replaced by approved symbols."""
    return renamed(names, names_meant(names))


def renamed(names: NDArray[np.object_], meant: Mapping[int, str]) -> NDArray[np.object_]:
    """The names with those that are ``meant`` in their place.

    A name stays unchanged if the name that is meant is already another name, or is meant by an earlier one: two
    different names never become the same name.
    """
    taken, found = set(names) if meant else set(), names.copy()
    for i, name in meant.items():
        if name not in taken:
            taken.add(name)
            found[i] = name
    return found


def names_meant(names: NDArray[np.object_]) -> dict[int, str]:
    """The name that is meant where it is another one, by its index: the usual spelling, or the symbol of a human id."""
    meant = {i: name for i, name in enumerate(names) if name[:4] == "ENSG"}
    meant |= gene_spellings(names.tolist(), _genes().__contains__)
    meant = {i: next(iter(_names_of(name)), name) if name[:4] == "ENSG" else name for i, name in meant.items()}
    return {i: meant[i] for i in sorted(meant) if meant[i] != names[i]}


def to_known_names(names: Iterable[str], known: Container[str]) -> NDArray[np.object_]:
    """A known name of the same gene for each name, ``None`` if no name of the gene is known.

    A known name maps to itself. For any other name, the approved symbol is tried first, then previous symbols,
    aliases and the Ensembl id.
    """
    found = [name if name in known else next(filter(known.__contains__, _names_of(name)), None) for name in names]
    return np.array(found, dtype=object)


def genes_by_written_name(genes: Iterable[str]) -> dict[str, str]:
    """The gene by each name that prose may have for it, with a digit in an alias.

    These are ``genes``, the approved symbols of all human genes, and previous symbols and aliases that are hardly
    anything else, such as ``"CD31"``. A gene is called as in ``genes``, or by its approved symbol if it is not there.

    Examples
    --------
    >>> from sc_duality.cells import genes_by_written_name
    >>> names = genes_by_written_name(["PECAM1", "FAM46C"])
    >>> names["CD31"], names["TENT5C"], names["CD79A"], "OK" in names
    ('PECAM1', 'FAM46C', 'CD79A', False)
    """
    known = dict.fromkeys(genes)
    found: dict[str, str] = {}
    for names in {id(names): names for names in _genes().values()}.values():
        gene = next(filter(known.__contains__, names), names[0])
        found |= dict.fromkeys((names[0], *filter(_CLEAR_ALIAS.fullmatch, names[1:])), gene)
    return found | {gene: gene for gene in known}


def _names_of(name: str) -> tuple[str, ...]:
    """All names of a gene, the approved symbol first; empty if the table does not have this name."""
    match = _HUMAN_ID.match(name)
    return _genes().get(match[1] if match else name, ())


@cache
def _genes() -> Mapping[str, tuple[str, ...]]:
    """All names of every gene, by each of its names."""
    table = gzip.decompress((files(__package__) / "hgnc" / "genes.tsv.gz").read_bytes()).decode()
    genes = {}
    for line in table.splitlines()[1:]:
        symbol, ensembl, previous, aliases = line.split("\t")
        names = tuple(filter(None, (symbol, *previous.split("|"), *aliases.split("|"), ensembl)))
        genes.update(dict.fromkeys(names, names))
    return genes
