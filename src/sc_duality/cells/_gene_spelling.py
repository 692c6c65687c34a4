"""Spellings of gene names that genome references, R and exports leave behind, and the name in each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Texts that stand for a missing name.
_MISSING = frozenset({"", "nan", "NaN", "<NA>", "None"})
#: Genomes in front of the names, as Cell Ranger writes them for several species (``GRCh38_CD3E``, ``mm10___Cd3e``).
_GENOME = re.compile(
    r"^(?:(?:GRC[a-z]\d+|hg(?:18|19|38)|mm(?:9|10|39)|human|mouse)(?:\.p\d+)?(?:-\d{4}-[A-Z])?(?:_premrna)?"
    r"(?:[_:|.-]+|\s+))+(?=\S)",
    re.IGNORECASE,
)
_ID = r"ENS[A-Z]*G\d{11}(?:\.\d+)?(?:_PAR_Y)?"
#: An Ensembl id behind or in front of a symbol (``CD3E_ENSG00000198851``, ``ENSG00000198851|CD3E``).
_SYMBOL_ID = re.compile(rf"^(?P<symbol>\S.*?)[\s_|:;,/(-]+{_ID}\)?$")
_ID_SYMBOL = re.compile(rf"^{_ID}[\s_|:;,/(-]+(?!PAR_Y$)(?P<symbol>[^\s_|:;,/(-].*?)\)?$")
#: The number that R's make.unique adds to a duplicate name.
_DUPLICATE = re.compile(r"\.\d+$")


def texts(names: Iterable[Any]) -> NDArray[np.object_]:
    """The names as str; ``""`` for a missing name."""
    found = [name if type(name) is str else "" if pd.isna(name) else str(name) for name in names]
    return np.array(["" if name.strip() in _MISSING else name for name in found], dtype=object)


def gene_spellings(names: Sequence[str], is_known: Callable[[str], bool]) -> dict[int, str]:
    """The usual spelling of each name that has another one, by its index.

    That is the name without white space, genome and Ensembl id around it, and with the hyphens that R replaced by
    dots. Spellings may be equal. A name that ``is_known``, such as an approved symbol, has no other spelling. Dots stay
    unless the name with hyphens is known: ``NKX2.1`` becomes ``NKX2-1``, and ``AC012345.1`` stays. They also stay if
    the name without its last number is there too, whose duplicate it is then.
    """
    # names of letters and digits only do not change, unless R put an X before a digit
    candidates = [i for i, name in enumerate(names) if not name.isalnum() or name[0] == "X"]
    bare = {i: _bare(names[i]) for i in candidates if not is_known(names[i])}
    dotted = [i for i, name in bare.items() if ("." in name or name.startswith("X")) and not is_known(name)]
    if dotted:
        present = {*names, *bare.values()}
        bare |= {i: _with_hyphens(bare[i], present, is_known) for i in dotted}
    return {i: name for i, name in bare.items() if name != names[i]}


def _bare(name: str) -> str:
    """The name without white space, genome and Ensembl id around it."""
    before = None
    while name != before:
        before, name = name, _GENOME.sub("", name.strip())
        joined = (_SYMBOL_ID.match(name) or _ID_SYMBOL.match(name)) if "ENS" in name else None
        if joined and joined["symbol"] not in _MISSING:
            name = joined["symbol"]
    return name


def _with_hyphens(name: str, present: Collection[str], is_known: Callable[[str], bool]) -> str:
    first = _DUPLICATE.sub("", name)
    if first != name and (first in present or first.replace(".", "-") in present):
        return name
    start = 1 if re.match(r"X\d", name) else 0  # R's make.names puts an X before a digit
    spellings = (name.replace(".", "-"), name[start:], name[start:].replace(".", "-"))
    return next(filter(is_known, spellings), name)
