"""Which genes may enter a sentence, and under which name."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._gene_symbols import approved_symbols

if TYPE_CHECKING:
    from anndata import AnnData, Raw

logger = logging.getLogger(__name__)

#: Mitochondrial genes, proteins of the ribosome (not the kinases RPS6K*) and MALAT1, in any species' spelling.
HOUSEKEEPING = re.compile(r"^(mt-|rpl\d|rplp\d|rps(?!6k)\d|rpsa|malat1$)", re.IGNORECASE)
_ENSEMBL = re.compile(r"^ENS[A-Z]*G\d{11}(\.\d+)?$")
_SYMBOL_COLUMNS = ("gene_symbols", "gene_symbol", "feature_name", "gene_name", "symbol", "gene_short_name")


def gene_names(holder: AnnData | Raw, gene_symbols: str | None = None) -> np.ndarray:
    """Names of the columns, from ``var[gene_symbols]``, or from ``var_names`` with symbols for human Ensembl ids.

    ``""`` where a name is missing.
    """
    if gene_symbols is None:
        return approved_symbols(_var_names(holder))
    if gene_symbols not in holder.var:
        raise KeyError(f"gene_symbols={gene_symbols!r} is no column of var; it has {list(holder.var.columns)}")
    names = pd.Series(np.asarray(holder.var[gene_symbols], dtype=object))
    return names.where(names.notna(), "").astype(str).to_numpy(object)


def select_genes(
    holder: AnnData | Raw,
    *,
    genes: Sequence[str] | np.ndarray | pd.Series | None,
    exclude: str | Sequence[str] | None,
    gene_symbols: str | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Names of all columns, and a mask of those that may enter; their names are unique symbols."""
    names = given = gene_names(holder, gene_symbols)
    if gene_symbols is None:
        given = _var_names(holder)
        _check_ids(given, names, holder)
    chosen = (names != "") & _selected(names, given, genes) & ~_excluded(names, given, exclude)
    if not chosen.any():
        raise ValueError(f"no gene is left: none of the {len(names)} genes passes genes= and exclude={exclude!r}")
    _refuse_duplicates(names[chosen], gene_symbols)
    return names, chosen


def gene_columns(genes: np.ndarray, holder: AnnData | Raw, gene_symbols: str | None) -> np.ndarray:
    """The column of ``holder`` that each of these unique names stands for, −1 for names that it lacks."""
    names = gene_names(holder, gene_symbols)
    words = pd.Index(genes)
    place = words.get_indexer(names)
    if gene_symbols is None:  # an id that is a word has stood beside its symbol, even if that has left var
        as_given = words.get_indexer(_var_names(holder))
        place = np.where(as_given >= 0, as_given, place)
    found = np.flatnonzero(place >= 0)
    _refuse_duplicates(names[found], gene_symbols)
    columns = np.full(len(genes), -1)
    columns[place[found]] = found
    return columns


def _var_names(holder: AnnData | Raw) -> np.ndarray:
    return np.asarray(getattr(holder.var, "true_index", holder.var_names), dtype=object)


def _selected(names: np.ndarray, given: np.ndarray, genes: Any) -> np.ndarray:
    if genes is None:
        return np.ones(len(names), bool)
    if isinstance(genes, str):
        raise TypeError(f"genes must be a mask over var or a list of names, got the string {genes!r}")
    wanted = np.asarray(genes if hasattr(genes, "__array__") else list(genes))
    if wanted.dtype == bool:
        if len(wanted) != len(names):
            raise ValueError(f"the mask genes= is {len(wanted)} long, but there are {len(names)} genes")
        return wanted
    unknown = sorted(set(wanted.tolist()) - set(names) - set(given))
    if unknown:
        raise KeyError(f"{len(unknown)} of the names in genes= are not among the gene names: {preview(unknown)}")
    return pd.Index(names).isin(wanted.tolist()) | pd.Index(given).isin(wanted.tolist())


def _excluded(names: np.ndarray, given: np.ndarray, exclude: str | Sequence[str] | None) -> np.ndarray:
    if exclude is None:
        return np.zeros(len(names), bool)
    if not isinstance(exclude, str):
        return pd.Index(names).isin(list(exclude)) | pd.Index(given).isin(list(exclude))
    try:
        pattern = HOUSEKEEPING if exclude == "housekeeping" else re.compile(exclude)
    except re.error as error:
        raise ValueError(f"exclude={exclude!r} is no valid regular expression: {error}") from error
    return np.array([pattern.search(name) is not None for name in names])


def _check_ids(given: np.ndarray, names: np.ndarray, holder: AnnData | Raw) -> None:
    """Say how many Ensembl ids were read as symbols; refuse them where they are not those of human genes."""
    left = [name for name in names if _ENSEMBL.match(name)]
    n_read = int((given != names).sum())
    strange = [name for name in left if not name.startswith("ENSG")] if n_read else left
    column = next((name for name in _SYMBOL_COLUMNS if name in holder.var), None)
    if len(strange) > len(names) / 2:
        mend = f"pass gene_symbols={column!r}" if column else "put symbols into a column of var and pass gene_symbols="
        raise ValueError(
            f"{len(strange)} of {len(names)} gene names are Ensembl ids ({preview(strange)}) of no human gene that the "
            f"package knows, not symbols: {mend} (to write sentences of ids on purpose, copy them into a column of var "
            "and name that one)"
        )
    if n_read:
        instead = f"; var[{column!r}] may have symbols too: gene_symbols={column!r} takes those" if column else ""
        logger.info(
            "read %d Ensembl ids as symbols; %d others stay as they are%s",
            n_read,
            sum(name.startswith("ENSG") for name in left),
            instead,
        )


def _refuse_duplicates(names: np.ndarray, gene_symbols: str | None) -> None:
    series = pd.Series(names)
    doubled = series[series.duplicated()].unique().tolist()
    if not doubled:
        return
    mend = "call adata.var_names_make_unique()"
    if gene_symbols is not None:
        mend = f"make var[{gene_symbols!r}] unique (anndata.utils.make_index_unique) or choose among them with genes="
    raise ValueError(f"{len(doubled)} gene names occur more than once ({preview(doubled)}): {mend}")


def preview(names: Iterable[Any], n: int = 5) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:n]) + (", …" if len(names) > n else "")
