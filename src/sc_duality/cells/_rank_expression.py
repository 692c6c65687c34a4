"""The expression of ranked genes, on one scale whatever matrix they were ranked in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from . import adata_keys
from ._adata import matrix
from ._gene_filter import gene_columns, preview
from ._row_blocks import row_blocks
from ._storage import Sentences

if TYPE_CHECKING:
    from anndata import AnnData

UNITS = "log10(1 + counts per 10,000)"
#: No logarithm of a count comes near this, so larger values have not been log-transformed.
_LARGEST_LOG = 30


class ExpressionSource(NamedTuple):
    """The matrix that sentences were written from, and what its values are."""

    #: Cells × genes, in any form.
    X: Any
    #: Column of each gene of the vocabulary.
    columns: np.ndarray
    #: ``"counts"`` or ``"log1p"``.
    scale: str
    #: Base of the logarithm.
    base: float


def expression_model(sentences: Sentences, key: str) -> Mapping[str, Any]:
    """The fitted line, or an error that says how to get it."""
    if adata_keys.EXPRESSION_MODEL not in sentences.uns:
        raise KeyError(f"uns[{key!r}] holds no expression model: run sd.pp.fit_expression(adata, key={key!r}) first")
    model: Mapping[str, Any] = sentences.uns[adata_keys.EXPRESSION_MODEL]
    return model


def expression_source(adata: AnnData, sentences: Sentences) -> ExpressionSource:
    """Find the matrix that was ranked; an error if it, or genes of it, are gone."""
    params = sentences.uns[adata_keys.PARAMS]
    X, holder = matrix(adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))
    columns = gene_columns(sentences.genes, holder, params.get("gene_symbols"))
    lost = sentences.genes[columns < 0]
    if len(lost):
        raise KeyError(
            f"{len(lost)} genes of the vocabulary are gone from var ({preview(lost)}): fit first, then subset"
        )
    base = adata.uns.get("log1p", {}).get("base")
    return ExpressionSource(X, columns, _scale(X), np.e if base is None else float(base))


def expression_at_rank(
    origin: ExpressionSource, rows: sparse.csr_matrix, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cell, rank (from 0) and log10(1 + counts per 10,000) of every gene that the sentences of these rows name.

    Counts are normalised by the total of the row; logarithms are taken to be of counts per 10,000.
    """
    cell, place = np.nonzero(ranks != adata_keys.PADDING)
    values = np.asarray(rows[cell, origin.columns[ranks[cell, place]]], dtype=float).ravel()
    changed = int((~(values > 0)).sum())
    if changed:
        raise ValueError(
            f"{changed} genes of the sentences are not expressed in their cell: the matrix has changed since "
            "sd.pp.cell_sentences; run it again, or on a layer that stays"
        )
    if origin.scale == "log1p":
        return cell, place, values * np.log10(origin.base)
    totals = np.asarray(rows.sum(1), dtype=float).ravel()
    return cell, place, np.log10(1 + 1e4 * values / totals[cell])


def _scale(X: Any) -> str:
    """What the values are, judged by the first rows that hold any."""
    for _, rows in row_blocks(X):
        if rows.data.any():
            whole = np.array_equal(rows.data, np.floor(rows.data))
            return "counts" if whole or rows.data.max() > _LARGEST_LOG else "log1p"
    return "counts"
