"""Marker genes of groups of cells: differentially expressed genes of each group against all others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._validation import positive_integer
from ._adata import check_column, matrix, text_column
from ._expression_unit import TOTAL, requested_unit
from ._gene_filter import is_gene, select_genes
from ._row_blocks import row_blocks

if TYPE_CHECKING:
    from anndata import AnnData, Raw

#: Cells of a group that are compared at most.
_MAX_CELLS = 2000
#: Key of scanpy's result.
_STORED = "rank_genes_groups"


def marker_genes(
    adata: AnnData,
    groupby: str,
    *,
    n_genes: int = 10,
    layer: str | None = None,
    use_raw: bool = False,
    gene_symbols: str | None = None,
) -> dict[str, tuple[str, ...]]:
    """The most differentially expressed genes of each group against all other cells, best first.

    The result of ``sc.tl.rank_genes_groups`` in ``uns["rank_genes_groups"]`` is taken if it is of these groups.
    Otherwise the same test (Welch's t-test) compares up to 2,000 cells of each group; counts are normalised to 10,000
    a cell and log-transformed, logarithms are taken unchanged. ``adata`` is not changed.

    Parameters
    ----------
    adata
        The cells.
    groupby
        ``obs`` column of the groups; cells without one are left out.
    n_genes
        Genes of a group at most. Only genes with a positive log fold change are named.
    layer, use_raw, gene_symbols
        The expression matrix and the gene names, as in :func:`sc_duality.pp.cell_sentences`.

    Returns
    -------
    Gene symbols by the name of the group, without housekeeping genes. A group has none if it, or the rest, has fewer
    than two cells.

    Raises
    ------
    ValueError
        The matrix holds negative or infinite values.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.cells import marker_genes
    >>> genes = marker_genes(sd.datasets.pbmc3k(), "cell_type", n_genes=20)
    >>> {"CD79A", "MS4A1"} <= set(genes["B cells"])
    True
    """
    n_genes = positive_integer("n_genes", n_genes)
    check_column(adata, groupby, "groupby")
    groups = text_column(adata, groupby)
    names = sorted(groups.dropna().unique())
    found = _stored_genes(adata, groupby, names, gene_symbols)
    if found is None:
        X, holder = matrix(adata, layer=layer, use_raw=use_raw)
        found = _test(adata, X, holder, groups, gene_symbols)
    return {name: tuple(found.get(name, ())[:n_genes]) for name in names}


def _stored_genes(
    adata: AnnData, groupby: str, names: list[str], gene_symbols: str | None
) -> dict[str, list[str]] | None:
    """Genes of scanpy's result, if it compares all of these groups with the rest and has genes of this object."""
    stored = adata.uns.get(_STORED)
    if not isinstance(stored, Mapping) or not {"params", "names", "scores"} <= set(stored):
        return None
    params = stored["params"]
    ranked = {name: np.asarray(stored["names"][name], dtype=object) for name in stored["names"].dtype.names}
    if (params.get("groupby"), params.get("reference")) != (groupby, "rest") or set(ranked) != set(names):
        return None
    holder = adata.raw if params.get("use_raw") and adata.raw is not None else adata
    symbols = dict(zip(holder.var_names, _allowed_names(holder, gene_symbols), strict=True))
    if not all(gene in symbols for genes in ranked.values() for gene in genes):
        return None
    found = {}
    for name, genes in ranked.items():
        change = np.asarray(stored["logfoldchanges"][name] if "logfoldchanges" in stored else np.nan, dtype=float)
        up = np.where(np.isnan(change), np.asarray(stored["scores"][name], dtype=float), change) > 0
        found[name] = [symbols[gene] for gene in genes[up] if symbols[gene]]
    return found


def _test(
    adata: AnnData, X: Any, holder: AnnData | Raw, groups: pd.Series, gene_symbols: str | None
) -> dict[str, list[str]]:
    """Genes with a positive log fold change by score, of each group that can be compared with the rest."""
    import anndata as ad
    import scanpy as sc

    rows = sample_rows(groups)
    names = _allowed_names(holder, gene_symbols)
    size = groups.iloc[rows].value_counts()
    compared = sorted(name for name, n in size.items() if n > 1 and len(rows) - n > 1)
    if not compared:
        return {}
    values, base = log_expression(adata, X, holder, gene_symbols, rows)
    kept = np.flatnonzero(names != "")
    obs = pd.DataFrame({"group": pd.Categorical(groups.iloc[rows])}, index=[str(row) for row in rows])
    cells = ad.AnnData(values[:, kept], obs, pd.DataFrame(index=names[kept].astype(str)))
    cells.uns["log1p"] = {"base": base}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of scanpy's data frames, and of genes that no cell expresses
        sc.tl.rank_genes_groups(cells, "group", groups=compared, use_raw=False)
    table = sc.get.rank_genes_groups_df(cells, group=compared)
    if "group" not in table:  # of a single group
        table["group"] = compared[0]
    up = table[(table["logfoldchanges"] > 0) & (table["scores"] > 0)]
    return {str(name): part["names"].tolist() for name, part in up.groupby("group", observed=True)}


def sample_rows(groups: pd.Series) -> np.ndarray:
    """Rows of cells with a group, in order: of a large group a random part, always the same one."""
    rng = np.random.default_rng(0)
    parts = [
        members if len(members) <= _MAX_CELLS else rng.choice(members, _MAX_CELLS, replace=False)
        for _, members in sorted(groups.groupby(groups, observed=True).indices.items())
    ]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)


def _allowed_names(holder: AnnData | Raw, gene_symbols: str | None) -> np.ndarray:
    """Gene symbols of all columns; ``""`` for housekeeping genes and what is not a gene."""
    names, selected = select_genes(holder, genes=None, exclude="housekeeping", gene_symbols=gene_symbols)
    return np.where(selected, names, "")


def log_expression(
    adata: AnnData, X: Any, holder: AnnData | Raw, gene_symbols: str | None, rows: np.ndarray
) -> tuple[sparse.csr_matrix, float | None]:
    """Logarithms of normalised counts of these cells, and their base; ``None`` is e."""
    base = adata.uns.get("log1p", {}).get("base")
    values = sparse.vstack([part for _, part in row_blocks(X if len(rows) == X.shape[0] else X[rows])], format="csr")
    values = values.astype(np.float32)
    if not np.isfinite(values.data).all() or (values.data < 0).any():
        raise ValueError(
            "marker genes cannot be computed from negative or infinite values (the matrix looks scaled): pass layer= "
            "or use_raw= of counts or their logarithm, or call sc.tl.rank_genes_groups(adata, groupby) first"
        )
    if not holds_counts(adata, values, holder, gene_symbols):
        return values, base
    totals = values @ is_gene(holder, gene_symbols).astype(np.float32)
    factors = np.repeat(TOTAL / np.maximum(totals, np.finfo(np.float32).tiny), np.diff(values.indptr))
    values.data = np.log1p(values.data * factors).astype(np.float32)
    return values, None


def holds_counts(adata: AnnData, values: sparse.csr_matrix, holder: AnnData | Raw, gene_symbols: str | None) -> bool:
    """Whether values of these genes are counts, normalised or not, rather than logarithms."""
    base = adata.uns.get("log1p", {}).get("base")
    try:
        return requested_unit(values, is_gene(holder, gene_symbols), base, None, None).scale == "counts"
    except ValueError:  # logarithms of some of the genes, whose totals differ
        return False
