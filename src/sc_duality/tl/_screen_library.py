"""The library and the gene set of a screen, as users pass them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from .._validation import is_missing
from ..cells import preview
from ..examples import known_perturbation, to_perturbation, warn_untrained
from ..models import ModelSpec
from ..tasks import Perturbation

#: Columns of a perturbation in the result, before those of the library.
FIELDS = ("perturbation", "operation", "target", "dose", "time")
#: Columns of the scores in the result.
SCORES = (
    "context",
    "effect",
    "z",
    "statistic",
    "p",
    "q",
    "n_samples",
    "n_failed",
    "difference",
    "p_difference",
    "q_difference",
)


class Library(NamedTuple):
    """The perturbations of a screen, and a table with one row for each."""

    perturbations: list[Perturbation]
    table: pd.DataFrame


def read_library(library: Any, operation: str) -> Library:
    """The perturbations in a list of names, perturbations or fields of perturbations, or in the rows of a table."""
    if not isinstance(operation, str) or not operation.strip():
        raise ValueError(f"operation={operation!r} must be a text, such as 'drug' or 'knockdown'")
    other: pd.DataFrame | None = None
    if isinstance(library, pd.DataFrame):
        perturbations, other = _from_table(library, operation)
    else:
        perturbations = [_from_item(item, operation, i) for i, item in enumerate(_items(library))]
    if not perturbations:
        raise ValueError("library is empty: pass at least one perturbation")
    _check_unique(perturbations)
    table = pd.DataFrame([(str(p), p.operation, p.target, p.dose, p.time) for p in perturbations], columns=FIELDS)
    return Library(perturbations, table if other is None else pd.concat([table, other.reset_index(drop=True)], axis=1))


def check_known(spec: ModelSpec, library: Library) -> None:
    """Refuse perturbations that the model does not know, and two that are one perturbation for it."""
    reasons: list[str] = []
    names: dict[Perturbation, str] = {}
    for perturbation in library.perturbations:
        try:
            known = known_perturbation(spec, perturbation)
        except ValueError as error:
            reasons.append(str(error))
            continue
        name = str(perturbation)
        if (other := names.setdefault(known, name)) != name:
            raise ValueError(
                f"library: {other!r} and {name!r} are one perturbation of the model {spec.name!r}: pass one"
            )
    if reasons:
        n = len(library.perturbations)
        raise ValueError(f"{len(reasons)} of {n} perturbations in library cannot be predicted: {reasons[0]}")
    warn_untrained(spec, library.perturbations)


def read_gene_set(gene_set: Any) -> tuple[str, tuple[str, ...]]:
    """Name and genes of the gene set."""
    name = "gene set"
    if isinstance(gene_set, Mapping):
        if len(gene_set) != 1:
            raise ValueError(
                f"gene_set has {len(gene_set)} gene sets ({preview(gene_set)}): pass one, such as "
                "{name: sd.io.read_gmt(path)[name]}"
            )
        [(name, gene_set)] = gene_set.items()
    if isinstance(gene_set, str) or not isinstance(gene_set, Iterable):
        raise TypeError(f"gene_set must be a list of gene symbols, got {gene_set!r}: read one with sd.io.read_gmt")
    genes = tuple(dict.fromkeys(gene_set))
    wrong = [gene for gene in genes if not isinstance(gene, str) or is_missing(gene)]
    if wrong:
        raise TypeError(f"gene_set must hold gene symbols, got {preview(map(repr, wrong))}")
    return str(name), genes


def _items(library: Any) -> list[Any]:
    """The items of a list, an array or a series."""
    single = isinstance(library, str | bytes | Perturbation | Mapping) or not isinstance(library, Iterable)
    if single or (isinstance(library, tuple) and library and all(isinstance(item, str) for item in library)):
        raise TypeError(
            f"library={library!r} must be a list of names or perturbations, or a DataFrame: pass [{library!r}] for one"
        )
    return list(library)


def _from_item(item: Any, operation: str, index: int) -> Perturbation:
    if is_missing(item):
        raise ValueError(f"library[{index}] is missing: leave it out")
    if isinstance(item, str):
        return Perturbation(operation, item.strip())
    try:
        return to_perturbation(item)
    except ValueError as error:
        raise ValueError(f"library[{index}]: {error}") from None


def _from_table(table: pd.DataFrame, operation: str) -> tuple[list[Perturbation], pd.DataFrame]:
    """The perturbations in the rows, and the columns that say more about them."""
    if {"name", "target"} <= set(table) and "operation" not in table:
        raise ValueError(
            "library has the columns 'name' and 'target': rename 'target' if it holds the proteins that the compounds "
            "of 'name' bind, or drop 'name' if 'target' holds what is perturbed"
        )
    target = "target" if "target" in table else "name"
    if target not in table and "operation" not in table:
        raise ValueError(
            "library needs a column 'name', or 'operation' and 'target', and has "
            f"{', '.join(map(str, table.columns)) or 'no column'}: rename one"
        )
    used = [name for name in ("operation", target, "dose", "time") if name in table]
    reserved = [name for name in (*FIELDS, *SCORES) if name in table and name not in used]
    if reserved:
        raise ValueError(
            f"library has the columns {', '.join(reserved)}, which the result has too: rename or drop them"
        )
    if not table.columns.is_unique:
        raise ValueError("library has two columns of one name: rename or drop one")
    columns = {name: [_text(value, name) for value in table[name]] for name in used}
    n = len(table)
    fields = [columns.get("operation", [operation] * n), *(columns.get(x, [""] * n) for x in (target, "dose", "time"))]
    perturbations = [_from_row(row, i) for i, row in enumerate(zip(*fields, strict=True))]
    return perturbations, table.drop(columns=used)


def _from_row(fields: Sequence[str], index: int) -> Perturbation:
    try:
        return Perturbation(*fields)
    except ValueError as error:
        raise ValueError(f"row {index} of library: {error}") from None


def _text(value: Any, column: str) -> str:
    if is_missing(value):
        return ""
    if not isinstance(value, str):
        raise TypeError(f"the column {column!r} of library must hold texts, such as '0.2 µM' or '6 h', got {value!r}")
    return value.strip()


def _check_unique(perturbations: Sequence[Perturbation]) -> None:
    count = Counter(str(one).casefold() for one in perturbations)
    duplicates = list(dict.fromkeys(str(one) for one in perturbations if count[str(one).casefold()] > 1))
    if duplicates:
        raise ValueError(
            f"library has perturbations more than once, or in two spellings ({preview(duplicates)}): pass each once"
        )
