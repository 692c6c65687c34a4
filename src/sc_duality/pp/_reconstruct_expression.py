"""Cell sentences back to expression."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ..cells import UNITS, adata_keys, expression_model, gene_columns, modality, read_sentences

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def expression(
    adata: AnnData | MuData,
    *,
    key: str = adata_keys.SENTENCE,
    key_added: str = adata_keys.RECONSTRUCTED,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Rebuild expression from cell sentences with the line of :func:`sc_duality.pp.fit_expression`.

    Genes that a sentence does not name are 0, and so are those where the line has fallen to 0 or below; neither is
    stored. Genes of the vocabulary that are no longer in ``var`` are left out, with their number logged.

    Parameters
    ----------
    adata
        Cells with sentences and a fit.
    key
        Key of the sentences.
    key_added
        Layer to write.
    mod
        Modality of a MuData.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or the copy if ``copy`` is set, with ``layers[key_added]``: CSR float32 (n_obs, n_vars) in units of
    log10(1 + counts per 10,000).

    Raises
    ------
    KeyError
        There are no sentences, no fit, or no gene of the vocabulary is in ``var``.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> sd.pp.fit_expression(adata)
    >>> sd.pp.expression(adata)
    >>> adata.layers["reconstructed"].shape == adata.shape
    True
    """
    data = modality(adata, mod)
    sentences = read_sentences(data, key)
    model = expression_model(sentences, key)
    columns = gene_columns(sentences.genes, data, sentences.uns[adata_keys.PARAMS].get("gene_symbols"))
    lost = int((columns < 0).sum())
    if lost == len(columns):
        raise KeyError(f"none of the {lost} genes of uns[{key!r}] is in var: were the genes renamed?")
    line = {"slope": float(model["slope"]), "intercept": float(model["intercept"])}
    rebuilt = rebuild(sentences.ranks, columns, data.n_vars, **line)

    result = adata.copy() if copy else adata
    modality(result, mod).layers[key_added] = rebuilt
    if lost:
        logger.warning("%d of %d genes of the vocabulary are not in var and were left out", lost, len(columns))
    logger.info("wrote layers[%r] in units of %s", key_added, UNITS)
    return result if copy else None


def rebuild(
    ranks: np.ndarray, columns: np.ndarray, n_columns: int, *, slope: float, intercept: float
) -> sparse.csr_matrix:
    """Expression from ranked genes: slope · log10(rank) + intercept, ranks from 1, where that is positive.

    Parameters
    ----------
    ranks
        int (n, K): indices of genes, best first, −1 after the last; no gene twice in a row.
    columns
        The column of each gene, or −1 for a gene that is to be left out.
    n_columns
        Width of the matrix.
    slope, intercept
        The line.

    Returns
    -------
    Canonical CSR float32 (n, n_columns).
    """
    values = (slope * np.log10(np.arange(1, ranks.shape[1] + 1)) + intercept).astype(np.float32)
    places = np.where(ranks == adata_keys.PADDING, -1, columns.astype(np.int32)[ranks])
    stored = (places >= 0) & (values > 0)
    indptr = np.concatenate([[0], stored.sum(1).cumsum()])
    data = np.broadcast_to(values, stored.shape)[stored]
    rebuilt = sparse.csr_matrix((data, places[stored], indptr), shape=(len(ranks), n_columns))
    rebuilt.sort_indices()
    return rebuilt
