"""Expression as a function of rank: read from the matrix, fit by a line, and rebuilt from sentences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from . import adata_keys
from ._adata import matrix
from ._expression_unit import Unit, current_unit, requested_unit, stored_unit
from ._gene_filter import gene_columns, is_gene, preview
from ._row_blocks import map_rows
from ._storage import Sentences

if TYPE_CHECKING:
    from anndata import AnnData

UNITS = "log10(1 + counts per 10,000)"


class ExpressionSource(NamedTuple):
    """The matrix that sentences were ranked from, and the unit of its values."""

    #: Cells × genes, in any form.
    X: Any
    #: Column of each gene of the vocabulary.
    columns: np.ndarray
    #: Whether each column is a gene, which counts in the total of a cell.
    is_gene: np.ndarray
    unit: Unit


def expression_source(
    adata: AnnData, sentences: Sentences, unit: str | None = None, target_sum: float | None = None
) -> ExpressionSource:
    """The matrix that was ranked, or an error if the matrix or genes of the vocabulary are gone.

    The unit is ``unit``, or what ``uns["log1p"]`` says of cells that the package generated, or it is recognised from
    the values. That of the fit holds where it cannot be recognised, and where the matrix still has its scale.
    """
    params = sentences.params
    X, holder = matrix(adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))
    columns = gene_columns(sentences.genes, holder, params.get("gene_symbols"))
    missing = sentences.genes[columns < 0]
    if len(missing):
        raise KeyError(
            f"{len(missing)} genes of the vocabulary are gone from var ({preview(missing)}): fit first, then subset"
        )
    genes = is_gene(holder, params.get("gene_symbols"))
    return ExpressionSource(X, columns, genes, _unit(adata, sentences, X, genes, unit, target_sum))


def expression_at_rank(
    source: ExpressionSource, rows: sparse.csr_matrix, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cell, rank (from 0) and log10(1 + counts per 10,000) of every gene in the sentences of these rows.

    Counts are normalised by the total of the row over all genes.
    """
    cell, rank = np.nonzero(ranks != adata_keys.PADDING)
    values = np.asarray(rows[cell, source.columns[ranks[cell, rank]]], dtype=float).ravel()
    n_changed = int((~(values > 0)).sum())
    if n_changed:
        raise ValueError(
            f"{n_changed} genes of the sentences are not expressed in their cell: the matrix has changed since "
            "sd.pp.cell_sentences; run it again, or rank a layer that does not change"
        )
    totals = rows @ source.is_gene.astype(float)
    return cell, rank, source.unit.log10(values, totals[cell])


def fit_rank_expression(
    adata: AnnData, sentences: Sentences, unit: str | None = None, target_sum: float | None = None
) -> dict[str, Any]:
    """Fit expression against log10(rank) by least squares over all genes of all sentences; ``adata`` is not changed.

    Returns ``slope``, ``intercept``, ``r2``, ``n`` (pairs of cell and gene), ``units`` and the unit of the matrix, as
    :func:`sc_duality.pp.fit_expression` stores them.
    """
    unfitted = sentences._replace(uns={adata_keys.PARAMS: sentences.params})
    source = expression_source(adata, unfitted, unit, target_sum)
    return {**_fit_line(*_sums_by_rank(source, sentences.ranks)), **source.unit.fields(), "units": UNITS}


def expression_model(sentences: Sentences, sentence_key: str) -> Mapping[str, Any]:
    """The fit that is stored with the sentences, or an error that says how to get it."""
    if adata_keys.EXPRESSION_MODEL not in sentences.uns:
        raise KeyError(
            f"uns[{sentence_key!r}] holds no expression model: run "
            f"sd.pp.fit_expression(adata, sentence_key={sentence_key!r}) first"
        )
    model: Mapping[str, Any] = sentences.uns[adata_keys.EXPRESSION_MODEL]
    return model


def rebuild_expression(
    ranks: np.ndarray, columns: np.ndarray, n_columns: int, *, slope: float, intercept: float
) -> sparse.csr_matrix:
    """Expression of ranked genes: slope · log10(rank) + intercept, with ranks from 1, and 0 if that is negative.

    Parameters
    ----------
    ranks
        int (n, K): gene indices, highest expression first, −1 after the last gene; each gene once a row.
    columns
        The column of each gene, −1 for genes to leave out.
    n_columns
        Number of columns of the result.
    slope, intercept
        The fitted line.

    Returns
    -------
    Canonical CSR float32 (n, n_columns) in units of log10(1 + counts per 10,000).
    """
    values = (slope * np.log10(np.arange(1, ranks.shape[1] + 1)) + intercept).astype(np.float32)
    column_at_rank = np.where(ranks == adata_keys.PADDING, -1, columns.astype(np.int32)[ranks])
    stored = (column_at_rank >= 0) & (values > 0)
    indptr = np.concatenate([[0], stored.sum(1).cumsum()])
    data = np.broadcast_to(values, stored.shape)[stored]
    rebuilt = sparse.csr_matrix((data, column_at_rank[stored], indptr), shape=(len(ranks), n_columns))
    rebuilt.sort_indices()
    return rebuilt


def _unit(
    adata: AnnData, sentences: Sentences, X: Any, genes: np.ndarray, unit: str | None, target_sum: float | None
) -> Unit:
    logged = adata.uns.get("log1p", {})
    base = None if logged.get("base") is None else float(logged["base"])
    model = sentences.uns.get(adata_keys.EXPRESSION_MODEL, {})
    if unit is None and target_sum is None:
        if "target_sum" in logged and sentences.params.get("layer") is None and not sentences.params.get("use_raw"):
            return Unit("log1p", np.e if base is None else base, float(logged["target_sum"]))
        if "scale" in model:
            return current_unit(X, genes, base, stored_unit(model, base))
    return requested_unit(X, genes, base, unit, target_sum)


def _sums_by_rank(source: ExpressionSource, ranks: np.ndarray) -> np.ndarray:
    """(3, K): at each rank the number of genes, the sum of their expression and the sum of its squares."""
    sums = np.zeros((3, ranks.shape[1]))
    sum_block = partial(_sums_of_block, source._replace(X=None))  # map_rows passes the rows, so dask need not copy X
    for _, sums_here in map_rows(source.X, sum_block, ranks, progress="expression fit"):
        sums += sums_here
    return sums


def _sums_of_block(source: ExpressionSource, rows: sparse.csr_matrix, ranks: np.ndarray) -> np.ndarray:
    _, rank, y = expression_at_rank(source, rows, ranks)
    return np.array([np.bincount(rank, weights, ranks.shape[1]) for weights in (None, y, y * y)])


def _fit_line(n: np.ndarray, total: np.ndarray, squares: np.ndarray) -> dict[str, float | int]:
    """Least squares of y on log10(rank), from the number of values, their sum and sum of squares at each rank."""
    if (n > 0).sum() < 2:
        raise ValueError("no sentence is longer than one gene, so no line can be fitted: increase n_genes")
    x = np.log10(np.arange(1, len(n) + 1))
    mean_x, mean_y = (n @ x) / n.sum(), total.sum() / n.sum()
    slope = (x - mean_x) @ (total - n * mean_y) / (n @ (x - mean_x) ** 2)
    variance = squares.sum() - n.sum() * mean_y**2
    explained = slope**2 * (n @ (x - mean_x) ** 2)
    return {
        "slope": float(slope),
        "intercept": float(mean_y - slope * mean_x),
        "r2": float(explained / variance) if variance > 0 else 1.0,
        "n": int(n.sum()),
    }
