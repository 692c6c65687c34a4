"""Which genes may enter a sentence, and under which name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from anndata import AnnData, Raw

#: Mitochondrial genes, proteins of the ribosome (not the kinases RPS6K*) and MALAT1, in any species' spelling.
HOUSEKEEPING = re.compile(r"^(mt-|rpl\d|rplp\d|rps(?!6k)\d|rpsa|malat1$)", re.IGNORECASE)
_ENSEMBL = re.compile(r"^ENS[A-Z]*G\d{11}(\.\d+)?$")
_SYMBOL_COLUMNS = ("gene_symbols", "gene_symbol", "feature_name", "gene_name", "symbol", "gene_short_name")


def gene_names(holder: AnnData | Raw, gene_symbols: str | None = None) -> np.ndarray:
    """Names of the columns, from ``var_names`` or from ``var[gene_symbols]``; ``""`` where a name is missing."""
    if gene_symbols is None:
        return np.asarray(getattr(holder.var, "true_index", holder.var_names), dtype=object)
    if gene_symbols not in holder.var:
        raise KeyError(f"gene_symbols={gene_symbols!r} is no column of var; it has {list(holder.var.columns)}")
    names = pd.Series(np.asarray(holder.var[gene_symbols], dtype=object))
    return names.where(names.notna(), "").astype(str).to_numpy(object)


def may_enter(
    holder: AnnData | Raw,
    *,
    genes: Sequence[str] | np.ndarray | pd.Series | None,
    exclude: str | Sequence[str] | None,
    gene_symbols: str | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Names of all columns, and a mask of those that may enter; their names are unique symbols."""
    names = gene_names(holder, gene_symbols)
    if gene_symbols is None:
        _refuse_ensembl(names, holder)
    chosen = (names != "") & _selected(names, genes) & ~_excluded(names, exclude)
    if not chosen.any():
        raise ValueError(f"no gene is left: none of the {len(names)} genes passes genes= and exclude={exclude!r}")
    _refuse_duplicates(names[chosen], gene_symbols)
    return names, chosen


def columns_of(genes: np.ndarray, holder: AnnData | Raw, gene_symbols: str | None) -> np.ndarray:
    """The column of ``holder`` that each of these unique names stands for, −1 for names that it lacks."""
    names = gene_names(holder, gene_symbols)
    place = pd.Index(genes).get_indexer(names)
    found = np.flatnonzero(place >= 0)
    _refuse_duplicates(names[found], gene_symbols)
    columns = np.full(len(genes), -1)
    columns[place[found]] = found
    return columns


def _selected(names: np.ndarray, genes: Any) -> np.ndarray:
    if genes is None:
        return np.ones(len(names), bool)
    if isinstance(genes, str):
        raise TypeError(f"genes must be a mask over var or a list of names, got the string {genes!r}")
    wanted = np.asarray(genes if hasattr(genes, "__array__") else list(genes))
    if wanted.dtype == bool:
        if len(wanted) != len(names):
            raise ValueError(f"the mask genes= is {len(wanted)} long, but there are {len(names)} genes")
        return wanted
    unknown = sorted(set(wanted.tolist()) - set(names.tolist()))
    if unknown:
        raise KeyError(f"{len(unknown)} of the names in genes= are not among the gene names: {some(unknown)}")
    return pd.Index(names).isin(wanted.tolist())


def _excluded(names: np.ndarray, exclude: str | Sequence[str] | None) -> np.ndarray:
    if exclude is None:
        return np.zeros(len(names), bool)
    if not isinstance(exclude, str):
        return pd.Index(names).isin(list(exclude))
    try:
        pattern = HOUSEKEEPING if exclude == "housekeeping" else re.compile(exclude)
    except re.error as error:
        raise ValueError(f"exclude={exclude!r} is no valid regular expression: {error}") from error
    return np.array([pattern.search(name) is not None for name in names])


def _refuse_ensembl(names: np.ndarray, holder: AnnData | Raw) -> None:
    ids = [name for name in names if _ENSEMBL.match(name)]
    if len(ids) <= len(names) / 2:
        return
    column = next((name for name in _SYMBOL_COLUMNS if name in holder.var), None)
    mend = f"pass gene_symbols={column!r}" if column else "put symbols into a column of var and pass gene_symbols="
    raise ValueError(
        f"{len(ids)} of {len(names)} gene names are Ensembl ids ({some(ids)}), not symbols: {mend} "
        "(to write sentences of ids on purpose, copy them into a column of var and name that one)"
    )


def _refuse_duplicates(names: np.ndarray, gene_symbols: str | None) -> None:
    series = pd.Series(names)
    doubled = series[series.duplicated()].unique().tolist()
    if not doubled:
        return
    mend = "call adata.var_names_make_unique()"
    if gene_symbols is not None:
        mend = f"make var[{gene_symbols!r}] unique (anndata.utils.make_index_unique) or choose among them with genes="
    raise ValueError(f"{len(doubled)} gene names occur more than once ({some(doubled)}): {mend}")


def some(names: Iterable[Any], n: int = 5) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:n]) + (", …" if len(names) > n else "")
