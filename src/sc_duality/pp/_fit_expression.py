"""How expression falls with rank."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ..cells import (
    UNITS,
    ExpressionSource,
    adata_keys,
    expression_at_rank,
    expression_source,
    map_rows,
    modality,
    read_sentences,
)

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def fit_expression(
    adata: AnnData | MuData, *, key: str = adata_keys.SENTENCE, mod: str = "rna", copy: bool = False
) -> AnnData | MuData | None:
    """Fit how expression falls with rank, so that sentences can be turned back into expression.

    Over all genes of all sentences, y = slope · log10(rank) + intercept by least squares, where y = log10(1 + counts
    per 10,000) of the gene in the cell and ranks count from 1 within the sentence (the log-linear model of
    Cell2Sentence, Levine et al. 2024, and of C2S-Scale, Rizvi et al. 2025).

    Expression is read from the matrix that was ranked. If all its values are whole numbers, or some are larger than
    any logarithm can be, they are taken as counts (``scale="counts"``), and each cell is normalised by its total over
    all genes of the matrix. Otherwise they are taken as log(1 + counts per 10,000) (``scale="log1p"``), in the base
    that ``uns["log1p"]`` names, or natural.

    Parameters
    ----------
    adata
        Cells with sentences, and the matrix that they were written from.
    key
        Key of the sentences.
    mod
        Modality of a MuData.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or the copy if ``copy`` is set, with ``uns[key]["expression_model"]``: ``slope``, ``intercept``, ``r2``
    (share of the variance of y that the line explains), ``n`` (pairs of cell and gene), ``scale`` and ``units``.

    Raises
    ------
    KeyError
        There are no sentences, or their matrix or genes are gone.
    ValueError
        Genes of the sentences are not expressed in the matrix, so it has changed since; or no sentence is longer
        than one gene.

    See Also
    --------
    sc_duality.pp.expression : uses the fit.

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
    sentences = read_sentences(data, key)
    origin = expression_source(data, sentences)
    model = {**_line(*_sums_by_rank(origin, sentences.ranks)), "scale": origin.scale, "units": UNITS}

    result = adata.copy() if copy else adata
    data = modality(result, mod)
    data.uns[key] = {**data.uns[key], adata_keys.EXPRESSION_MODEL: model}
    logger.info("wrote uns[%r][%r]: %s", key, adata_keys.EXPRESSION_MODEL, model)
    return result if copy else None


def _sums_by_rank(origin: ExpressionSource, ranks: np.ndarray) -> np.ndarray:
    """(3, K): at each rank the number of genes, and the sums of their levels and of the squares of these."""
    sums = np.zeros((3, ranks.shape[1]))
    work = partial(_sums, origin._replace(X=None))  # rows come by themselves
    for _, found in map_rows(origin.X, work, ranks, progress="expression fit"):
        sums += found
    return sums


def _sums(origin: ExpressionSource, rows: sparse.csr_matrix, ranks: np.ndarray) -> np.ndarray:
    _, place, y = expression_at_rank(origin, rows, ranks)
    return np.array([np.bincount(place, weights, ranks.shape[1]) for weights in (None, y, y * y)])


def _line(n: np.ndarray, total: np.ndarray, squares: np.ndarray) -> dict[str, float | int]:
    """Least squares of y on log10(rank), from the sums over each rank."""
    if (n > 0).sum() < 2:
        raise ValueError("no sentence is longer than one gene, so there is no line to fit: raise n_genes")
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
