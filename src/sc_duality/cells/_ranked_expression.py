"""Expression of the genes of cell sentences, from the matrix that was ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._expression_at_rank import expression_source
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
    CSR float32 (n_obs, genes of the vocabulary), read block by block.

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
    blocks = []
    for _, rows in row_blocks(source.X):
        totals = np.asarray(rows @ source.is_gene.astype(float)).ravel()
        part = rows.tocsc()[:, source.columns].tocsr().astype(np.float32)
        each = np.repeat(np.maximum(totals, np.finfo(np.float32).tiny), np.diff(part.indptr))
        part.data = source.unit.log10(part.data, each).astype(np.float32)
        blocks.append(part)
    return sparse.vstack(blocks, format="csr")
