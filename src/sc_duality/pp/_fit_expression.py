"""Fit expression as a function of rank."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..cells import UnitName, adata_keys, fit_rank_expression, read_sentences, writable

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def fit_expression(
    adata: AnnData | MuData,
    *,
    unit: UnitName | None = None,
    target_sum: float | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Fit expression as a function of rank, to reconstruct expression from cell sentences.

    Over all genes of all sentences, y = slope · log10(rank) + intercept by least squares, where y = log10(1 + counts
    per 10,000) of the gene in the cell and ranks count from 1 within the sentence (the log-linear model of
    Cell2Sentence, Levine et al. 2024, and of C2S-Scale, Rizvi et al. 2025).

    Expression is read from the matrix that was ranked. Its unit is recognised from the first cells. Whole numbers, and
    values too large for a logarithm, are counts, and so are values whose sum is the same in all cells. Values are
    log(1 + counts) if the counts behind them have the same sum in all cells, whatever it is: the base is that of
    ``uns["log1p"]``, e, 2 or 10. Sums may differ by 2 %, as after genes of few cells were filtered. Anything else, such
    as corrected counts with decimals, logarithms of variable genes, or one or two cells, needs ``unit``.

    Counts are normalised by the total of the cell over all genes of the matrix; features that are not genes do not
    count.

    Parameters
    ----------
    adata
        Cells with sentences, and the matrix that was ranked.
    unit
        ``"counts"``, normalised or not, or ``"log1p"``, logarithms of 1 + counts, with the base in
        ``uns["log1p"]["base"]``, or the natural logarithm. By default the unit is recognised.
    target_sum
        For ``unit="log1p"``: the sum of the counts of a cell over all genes, before the logarithm. By default it is
        recognised.
    sentence_key
        ``obsm`` key of the sentences.
    mod
        Modality of a MuData.
    copy
        Return a copy and leave ``adata`` unchanged.

    Returns
    -------
    None, or the copy if ``copy`` is set, with ``uns[sentence_key]["expression_model"]``: ``slope``, ``intercept``,
    ``r2`` (fraction of the variance of y that the line explains), ``n`` (pairs of cell and gene), ``units`` (of y) and
    ``scale``, the unit of the matrix (``"counts"`` or ``"log1p"``, then with ``base`` and ``target_sum``).

    Raises
    ------
    KeyError
        There are no sentences, or their matrix or genes are gone.
    ValueError
        The unit of the matrix cannot be recognised; genes of the sentences are not expressed in the matrix, so it has
        changed; or no sentence is longer than one gene.

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
    result, data = writable(adata, mod, copy=copy)
    model = fit_rank_expression(data, read_sentences(data, sentence_key), unit, target_sum)

    data.uns[sentence_key] = {**data.uns[sentence_key], adata_keys.EXPRESSION_MODEL: model}
    logger.info("wrote uns[%r][%r]: %s", sentence_key, adata_keys.EXPRESSION_MODEL, model)
    return result if copy else None
