"""Fit expression as a function of rank."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..cells import adata_keys, fit_rank_expression, modality, read_sentences

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def fit_expression(
    adata: AnnData | MuData, *, sentence_key: str = adata_keys.SENTENCE, mod: str = "rna", copy: bool = False
) -> AnnData | MuData | None:
    """Fit expression as a function of rank, to reconstruct expression from cell sentences.

    Over all genes of all sentences, y = slope · log10(rank) + intercept by least squares, where y = log10(1 + counts
    per 10,000) of the gene in the cell and ranks count from 1 within the sentence (the log-linear model of
    Cell2Sentence, Levine et al. 2024, and of C2S-Scale, Rizvi et al. 2025).

    Expression is read from the matrix that was ranked. If all its values are whole numbers, or at least one is too
    large for a logarithm, they are counts (``scale="counts"``), and each cell is normalised by its total over all
    genes of the matrix. Otherwise they are log(1 + counts per 10,000) (``scale="log1p"``), with the base in
    ``uns["log1p"]``, or the natural logarithm.

    Parameters
    ----------
    adata
        Cells with sentences, and the matrix that was ranked.
    sentence_key
        ``obsm`` key of the sentences.
    mod
        Modality of a MuData.
    copy
        Return a copy and leave ``adata`` unchanged.

    Returns
    -------
    None, or the copy if ``copy`` is set, with ``uns[sentence_key]["expression_model"]``: ``slope``, ``intercept``,
    ``r2`` (fraction of the variance of y that the line explains), ``n`` (pairs of cell and gene), ``scale`` and
    ``units``.

    Raises
    ------
    KeyError
        There are no sentences, or their matrix or genes are gone.
    ValueError
        Genes of the sentences are not expressed in the matrix, so it has changed; or no sentence is longer than one
        gene.

    See Also
    --------
    sc_duality.pp.reconstruct_expression : uses the fit.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> sd.pp.fit_expression(adata)
    >>> sorted(adata.uns["cell_sentence"]["expression_model"])
    ['intercept', 'n', 'r2', 'scale', 'slope', 'units']
    """
    data = modality(adata, mod)
    model = fit_rank_expression(data, read_sentences(data, sentence_key))

    result = adata.copy() if copy else adata
    data = modality(result, mod)
    data.uns[sentence_key] = {**data.uns[sentence_key], adata_keys.EXPRESSION_MODEL: model}
    logger.info("wrote uns[%r][%r]: %s", sentence_key, adata_keys.EXPRESSION_MODEL, model)
    return result if copy else None
