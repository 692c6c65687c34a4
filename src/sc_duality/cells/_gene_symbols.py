"""Map Ensembl ids, previous symbols and aliases of human genes to other names, with the table in ``hgnc``."""

from __future__ import annotations

import gzip
import re
from collections.abc import Container, Iterable, Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

_HUMAN_ID = re.compile(r"^(ENSG\d{11})(\.\d+)?(_PAR_Y)?$")


def approved_symbols(names: NDArray[np.object_]) -> NDArray[np.object_]:
    """The names with human Ensembl ids, with or without a version, replaced by approved symbols.

    An id stays an id if the table does not have it, or if its symbol is already another name or belongs to an earlier
    id: two different names never become the same name.
    """
    ids = [i for i, name in enumerate(names) if name.startswith("ENSG")]
    if not ids:
        return names
    taken, found = set(names), names.copy()
    for i in ids:
        symbol = next(iter(_names_of(names[i])), names[i])
        if symbol not in taken:
            taken.add(symbol)
            found[i] = symbol
    return found


def to_known_names(names: Iterable[str], known: Container[str]) -> NDArray[np.object_]:
    """A known name of the same gene for each name, ``None`` if no name of the gene is known.

    A known name maps to itself. For any other name, the approved symbol is tried first, then previous symbols,
    aliases and the Ensembl id.
    """
    found = [name if name in known else next(filter(known.__contains__, _names_of(name)), None) for name in names]
    return np.array(found, dtype=object)


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
