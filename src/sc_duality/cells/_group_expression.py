"""Expression of genes in groups of cells, as dotplots show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from . import adata_keys
from ._adata import matrix
from ._expression_matrix import choose_matrix
from ._gene_filter import gene_columns
from ._marker_genes import log_expression, sample_rows

if TYPE_CHECKING:
    from anndata import AnnData


class GroupExpression(NamedTuple):
    """Expression of genes in groups, both DataFrames groups × genes; NaN for genes that were not measured."""

    #: Share of the cells of the group that express the gene.
    fraction: pd.DataFrame
    #: Mean of log(1 + counts per 10,000), or of the logarithms in the matrix.
    mean: pd.DataFrame


def group_expression(
    adata: AnnData,
    groups: pd.Series,
    genes: Sequence[str],
    *,
    layer: str | None = None,
    use_raw: bool = False,
    gene_symbols: str | None = None,
) -> GroupExpression:
    """Share of expressing cells and mean expression of genes in each group, of up to 2,000 cells a group.

    Parameters
    ----------
    adata
        The cells.
    groups
        Group of each cell as text, missing where a cell has none.
    genes
        Gene symbols.
    layer, use_raw, gene_symbols
        The expression matrix and the gene names, as in :func:`sc_duality.pp.cell_sentences`.

    Raises
    ------
    KeyError, ValueError
        The matrix is missing, or holds negative or infinite values.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.cells import group_expression, text_column
    >>> adata = sd.datasets.pbmc3k()
    >>> found = group_expression(adata, text_column(adata, "cell_type"), ["CD79A", "LYZ"])
    >>> bool(found.fraction.loc["B cells", "CD79A"] > found.fraction.loc["NK cells", "CD79A"])
    True
    """
    X, holder = matrix(adata, layer=layer, use_raw=use_raw)
    columns = gene_columns(np.asarray(genes, dtype=object), holder, gene_symbols)
    rows = sample_rows(groups)
    values, _ = log_expression(adata, X, holder, gene_symbols, rows)
    chosen = values[:, columns[columns >= 0]]
    codes, names = pd.factorize(groups.iloc[rows].astype(str), sort=True)
    member = sparse.csr_matrix((np.ones(len(rows)), (codes, np.arange(len(rows)))), (len(names), len(rows)))
    size = np.bincount(codes)[:, None]

    def to_table(part: sparse.csr_matrix) -> pd.DataFrame:
        found = np.full((len(names), len(genes)), np.nan)
        found[:, columns >= 0] = (member @ part).toarray() / size
        return pd.DataFrame(found, index=names, columns=list(genes))

    return GroupExpression(to_table((chosen > 0).astype(float)), to_table(chosen))


def ranked_matrix(adata: AnnData, key: str) -> dict[str, Any]:
    """The matrix behind the predictions under ``key``, as arguments: that which their cell sentences were ranked from.

    Where the predictions or the sentences do not tell, it is the matrix that would be ranked by default.
    """
    sentence_key = str(_params(adata, key).get("sentence_key", adata_keys.SENTENCE))
    ranked = _params(adata, sentence_key)
    layer, use_raw = (ranked.get("layer"), bool(ranked.get("use_raw", False))) if ranked else choose_matrix(adata)
    return {"layer": layer, "use_raw": use_raw, "gene_symbols": ranked.get("gene_symbols")}


def _params(adata: AnnData, key: str) -> Mapping[str, Any]:
    entry: Any = adata.uns.get(key)
    found = entry.get(adata_keys.PARAMS) if isinstance(entry, Mapping) else None
    return found if isinstance(found, Mapping) else {}
