"""Other names of human genes: Ensembl ids, previous symbols and aliases, by the table in ``hgnc``."""

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
    """These names, with the approved symbol in place of a human gene's Ensembl id, with or without a version.

    An id stays where the table does not know it, and where its symbol is another name already or an earlier id's: no
    two names become one.
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
    """The known name of the gene that each name stands for, ``None`` where there is none.

    A known name stands for itself. Of any other, the symbol of its gene comes first, then previous symbols, aliases
    and the Ensembl id.
    """
    found = [name if name in known else next(filter(known.__contains__, _names_of(name)), None) for name in names]
    return np.array(found, dtype=object)


def _names_of(name: str) -> tuple[str, ...]:
    """All names of the gene that this one stands for, the approved symbol first; none if it stands for no gene."""
    one = _HUMAN_ID.match(name)
    return _genes().get(one[1] if one else name, ())


@cache
def _genes() -> Mapping[str, tuple[str, ...]]:
    """All names of a gene by each of them."""
    table = gzip.decompress((files(__package__) / "hgnc" / "genes.tsv.gz").read_bytes()).decode()
    genes = {}
    for line in table.splitlines()[1:]:
        symbol, ensembl, previous, aliases = line.split("\t")
        names = tuple(filter(None, (symbol, *previous.split("|"), *aliases.split("|"), ensembl)))
        genes.update(dict.fromkeys(names, names))
    return genes
