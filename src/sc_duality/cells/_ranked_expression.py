"""Expression in the unit of predictions, from the matrix that cell sentences were ranked from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._expression_at_rank import ExpressionSource, expression_source
from ._gene_filter import gene_columns
from ._row_blocks import row_blocks
from ._storage import Sentences

if TYPE_CHECKING:
    from anndata import AnnData


def ranked_expression(adata: AnnData, sentences: Sentences) -> sparse.csr_matrix:
    """log10(1 + counts per 10,000) of every gene of the vocabulary of these sentences.

    Parameters
    ----------
    adata
        The cells.
    sentences
        Their sentences; the matrix is the one that they were ranked from.

    Returns
    -------
    CSR float32 (n_obs, genes of the vocabulary).

    Raises
    ------
    KeyError, ValueError
        The matrix or genes of the vocabulary are gone, or the unit of the matrix cannot be told.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.cells import default_sentences, ranked_expression
    >>> adata = sd.datasets.pbmc3k()[:5].copy()
    >>> sentences = default_sentences(adata)
    >>> ranked_expression(adata, sentences).shape == (5, len(sentences.genes))
    True
    """
    source = expression_source(adata, sentences)
    return normalised(source)[:, source.columns].astype(np.float32)


def data_expression(adata: AnnData, sentences: Sentences) -> sparse.csr_matrix:
    """log10(1 + counts per 10,000) of every gene of ``adata``, from the matrix that these sentences were ranked from.

    If they were ranked from ``.raw``, of the genes that it holds.

    Parameters
    ----------
    adata
        The cells.
    sentences
        Their sentences.

    Returns
    -------
    CSR float32 (n_obs, n_vars).

    Raises
    ------
    KeyError, ValueError
        See :func:`ranked_expression`.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.cells import data_expression, default_sentences
    >>> adata = sd.datasets.pbmc3k()[:5].copy()
    >>> data_expression(adata, default_sentences(adata)).shape == adata.shape
    True
    """
    source = expression_source(adata, sentences)
    if not sentences.params.get("use_raw", False):
        return normalised(source).astype(np.float32)
    of_raw = {name: column for column, name in enumerate(adata.raw.var_names)}
    columns = np.array([of_raw.get(name, -1) for name in adata.var_names])
    own = gene_columns(sentences.genes, adata, sentences.params.get("gene_symbols"))
    columns[own[own >= 0]] = source.columns[own >= 0]
    found = np.flatnonzero(columns >= 0)
    part = normalised(source)[:, columns[found]].tocoo()
    shape = (adata.n_obs, adata.n_vars)
    return sparse.csr_matrix((part.data, (part.row, found[part.col])), shape, dtype=np.float32)


def normalised(source: ExpressionSource) -> sparse.csr_matrix:
    """log10(1 + counts per 10,000) over all columns of the matrix, read block by block: CSR float64."""
    blocks = []
    for _, rows in row_blocks(source.X):
        part = sparse.csr_matrix(rows, dtype=float, copy=True)
        totals = np.maximum(part @ source.is_gene.astype(float), np.finfo(float).tiny)
        part.data = source.unit.log10(part.data, np.repeat(totals, np.diff(part.indptr)))
        blocks.append(part)
    return sparse.vstack(blocks, format="csr")
