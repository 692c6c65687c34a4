"""Select the genes of cell sentences, and name them by gene symbols in their usual spelling."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._feature_kinds import feature_kinds, kinds_as_text
from ._gene_spelling import texts
from ._gene_symbols import approved_symbols, names_meant, renamed

if TYPE_CHECKING:
    from anndata import AnnData, Raw

logger = logging.getLogger(__name__)

#: Mitochondrial genes, ribosomal proteins (not the kinases RPS6K*) and MALAT1, in upper or lower case; R writes "mt.".
HOUSEKEEPING = re.compile(r"^(mt[-.]|rpl\d|rplp\d|rps(?!6k)\d|rpsa|malat1$)", re.IGNORECASE)
_ENSEMBL = re.compile(r"^ENS[A-Z]*G\d{11}(\.\d+)?(_PAR_Y)?$")
_SYMBOL_COLUMNS = ("gene_symbols", "gene_symbol", "feature_name", "gene_name", "symbol", "gene_short_name")


def gene_names(holder: AnnData | Raw, gene_symbols: str | None = None) -> np.ndarray:
    """Gene symbols of all columns: ``var[gene_symbols]``, or ``var_names`` as symbols in their usual spelling.

    A missing name is ``""``.
    """
    names = _names_in_var(holder, gene_symbols)
    return approved_symbols(names) if gene_symbols is None else names


def select_genes(
    holder: AnnData | Raw,
    *,
    genes: Sequence[str] | np.ndarray | pd.Series | None,
    exclude: str | Sequence[str] | None,
    gene_symbols: str | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Names of all columns, and a mask of those that may enter a sentence, whose names are unique."""
    original = _names_in_var(holder, gene_symbols)
    meant = names_meant(original) if gene_symbols is None else {}
    names = renamed(original, meant)
    if gene_symbols is None:
        _check_ids(original, names, holder)
    kinds = feature_kinds(holder, original)
    other = kinds_as_text(kinds, original)
    selected = (names != "") & (kinds == "") & _selected(names, original, genes)
    selected &= ~_excluded(names, original, meant, exclude)
    if not selected.any():
        hint = f"; not genes are {other}: for a MuData, pass the modality of gene expression as mod=" if other else ""
        raise ValueError(f"no gene is left: none of the {len(names)} genes passes genes= and exclude={exclude!r}{hint}")
    if other:
        logger.info("left out features that are not genes: %s", other)
    fix = _unique_names(gene_symbols) + (" or choose one of each with genes=" if gene_symbols is not None else "")
    _check_unique(original[selected], fix)  # of two equal names one may have become a symbol
    _check_unique(names[selected], fix)
    return names, selected


def is_gene(holder: AnnData | Raw, gene_symbols: str | None) -> np.ndarray:
    """Whether each column is a gene, not an antibody or another feature."""
    return feature_kinds(holder, _names_in_var(holder, gene_symbols)) == ""


def gene_columns(genes: np.ndarray, holder: AnnData | Raw, gene_symbols: str | None) -> np.ndarray:
    """The column of each of these genes, −1 for genes that ``holder`` lacks."""
    names = gene_names(holder, gene_symbols)
    vocabulary = pd.Index(genes)
    vocab_index = vocabulary.get_indexer(names)
    if gene_symbols is None:  # a var_name in the vocabulary stays, even if the column that took its symbol is gone
        unchanged = vocabulary.get_indexer(_names_in_var(holder, None))
        vocab_index = np.where(unchanged >= 0, unchanged, vocab_index)
    found = np.flatnonzero(vocab_index >= 0)
    _check_unique(names[found], f"{_unique_names(gene_symbols)} and run sd.pp.cell_sentences again")
    columns = np.full(len(genes), -1)
    columns[vocab_index[found]] = found
    return columns


def _names_in_var(holder: AnnData | Raw, gene_symbols: str | None) -> np.ndarray:
    """``var[gene_symbols]`` or ``var_names`` as text; a missing name is ``""``."""
    if gene_symbols is None:
        return texts(np.asarray(getattr(holder.var, "true_index", holder.var_names), dtype=object))
    if gene_symbols not in holder.var:
        raise KeyError(f"gene_symbols={gene_symbols!r} is not a column of var; it has {list(holder.var.columns)}")
    return texts(np.asarray(holder.var[gene_symbols], dtype=object))


def _selected(names: np.ndarray, original: np.ndarray, genes: Any) -> np.ndarray:
    if genes is None:
        return np.ones(len(names), bool)
    if isinstance(genes, str):
        raise TypeError(f"genes must be a mask over var or a list of names, got the string {genes!r}")
    wanted = np.asarray(genes if hasattr(genes, "__array__") else list(genes))
    if wanted.dtype == bool:
        if len(wanted) != len(names):
            raise ValueError(f"the mask genes= has {len(wanted)} values, but there are {len(names)} genes")
        return wanted
    unknown = sorted(set(wanted.tolist()) - set(names) - set(original))
    if unknown:
        raise KeyError(f"{len(unknown)} of the names in genes= are not among the gene names: {preview(unknown)}")
    return pd.Index(names).isin(wanted.tolist()) | pd.Index(original).isin(wanted.tolist())


def _excluded(
    names: np.ndarray, original: np.ndarray, meant: Mapping[int, str], exclude: str | Sequence[str] | None
) -> np.ndarray:
    """Which genes to leave out, by their names, by their ``var_names``, and housekeeping genes by the name meant."""
    if exclude is None:
        return np.zeros(len(names), bool)
    if not isinstance(exclude, str):
        return pd.Index(names).isin(list(exclude)) | pd.Index(original).isin(list(exclude))
    try:
        pattern = HOUSEKEEPING if exclude == "housekeeping" else re.compile(exclude)
    except re.error as error:
        raise ValueError(f"exclude={exclude!r} is not a valid regular expression: {error}") from error
    excluded = np.array([pattern.search(name) is not None for name in names])
    others = list(meant.items())  # a name that is meant stays unused if another gene has it
    if pattern is not HOUSEKEEPING:  # a pattern for symbols need not exclude ids
        others = [(i, original[i]) for i in meant if not _ENSEMBL.match(original[i])]
    excluded[[i for i, name in others if pattern.search(name)]] = True
    return excluded


def _check_ids(original: np.ndarray, names: np.ndarray, holder: AnnData | Raw) -> None:
    """Log which names were changed; raise an error if most are Ensembl ids, and not of known human genes."""
    unmapped = [name for name in names if name[:3] == "ENS" and _ENSEMBL.match(name)]
    changed = [(original[i], names[i]) for i in np.flatnonzero(original != names)]
    n_mapped = sum(_ENSEMBL.match(old) is not None for old, _ in changed)
    unknown = [name for name in unmapped if not name.startswith("ENSG")] if n_mapped else unmapped
    column = next((name for name in _SYMBOL_COLUMNS if name in holder.var), None)
    if len(unknown) > len(names) / 2:
        fix = f"pass gene_symbols={column!r}" if column else "put symbols into a column of var and pass gene_symbols="
        raise ValueError(
            f"{len(unknown)} of {len(names)} gene names are Ensembl ids ({preview(unknown)}) of unknown or non-human "
            f"genes: {fix} (for sentences of Ensembl ids, copy the ids into a column of var and pass its name)"
        )
    if n_mapped:
        hint = f"; var[{column!r}] may have symbols too: pass gene_symbols={column!r} to use them" if column else ""
        logger.info(
            "mapped %d Ensembl ids to gene symbols; kept %d unknown ids%s",
            n_mapped,
            sum(name.startswith("ENSG") for name in unmapped),
            hint,
        )
    respelled = [f"{old} as {new}" for old, new in changed if not _ENSEMBL.match(old)]
    if respelled:
        logger.info("read %d gene names in their usual spelling: %s", len(respelled), preview(respelled))


def _check_unique(names: np.ndarray, fix: str) -> None:
    series = pd.Series(names)
    duplicates = series[series.duplicated()].unique().tolist()
    if duplicates:
        raise ValueError(f"{len(duplicates)} gene names occur more than once ({preview(duplicates)}): {fix}")


def _unique_names(gene_symbols: str | None) -> str:
    """What to do about duplicate names."""
    if gene_symbols is None:
        return "call adata.var_names_make_unique()"
    return f"make var[{gene_symbols!r}] unique (anndata.utils.make_index_unique)"


def preview(names: Iterable[Any], n: int = 5) -> str:
    """The first ``n`` names as text, for an error message."""
    names = [str(name) for name in names]
    return ", ".join(names[:n]) + (", …" if len(names) > n else "")
