"""Expression by rank, and the line fitted to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from ..cells import (
    Sentences,
    adata_keys,
    expression_at_rank,
    expression_model,
    expression_source,
    modality,
    read_sentences,
    row_blocks,
)
from ._common import DATA, LINE, axes

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

MAX_CELLS = 2_000


def rank_expression(
    adata: AnnData | MuData, *, sentence_key: str = adata_keys.SENTENCE, mod: str = "rna", ax: Axes | None = None
) -> Axes:
    """Expression by rank in the cell sentences, and the line that :func:`sc_duality.pp.fit_expression` fitted.

    At each rank, the median and the interquartile range of the cells with a gene at this rank. Ranks start at 1. On
    their logarithmic axis the fit is a straight line. Expression is log10(1 + counts per 10,000).

    Parameters
    ----------
    adata
        Cells with cell sentences, a fit, and the matrix in which the genes were ranked.
    sentence_key
        Key of the cell sentences.
    mod
        Modality of a MuData.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    The axes. Larger objects are subsampled to 2,000 cells with a fixed seed; the fit uses all cells.

    Raises
    ------
    KeyError
        There are no cell sentences or no fit, or the matrix or genes of it are missing.
    ValueError
        The matrix has changed since the genes were ranked, or all sentences are empty.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> sd.pp.fit_expression(adata)
    >>> sd.pl.rank_expression(adata).get_xlabel()
    'rank of the gene in its cell sentence'
    """
    data = modality(adata, mod)
    sentences = read_sentences(data, sentence_key)
    model = expression_model(sentences, sentence_key)
    expression = _expression_by_rank(data, sentences)
    rank = np.arange(1, expression.shape[1] + 1)
    low, median, high = np.nanquantile(expression, [0.25, 0.5, 0.75], axis=0)

    ax = axes(ax, (5.5, 4))
    cells = f"{len(expression):,} of {data.n_obs:,}" if len(expression) < data.n_obs else f"{data.n_obs:,}"
    ax.fill_between(rank, low, high, color=DATA, alpha=0.3, linewidth=0, label=f"interquartile range of {cells} cells")
    ax.plot(rank, median, color=DATA, linewidth=2, label="median")
    slope, intercept = float(model["slope"]), float(model["intercept"])
    fit = f"fit: {intercept:.2f} {'−' if slope < 0 else '+'} {abs(slope):.2f} · log$_{{10}}$ rank"
    fitted = slope * np.log10(rank) + intercept
    ax.plot(rank, fitted, color=LINE, linestyle="--", linewidth=2, label=f"{fit} (R² = {model['r2']:.2f})")

    ax.set(xscale="log", xlim=(1, max(len(rank), 2)), xlabel="rank of the gene in its cell sentence")
    ax.set(ylim=(0, None), ylabel="expression: log$_{10}$(1 + counts per 10,000)")
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def _expression_by_rank(adata: AnnData, sentences: Sentences) -> np.ndarray:
    """Expression of the gene at each rank, (cells, ranks), NaN after the end of a sentence; cells are subsampled."""
    cells = np.arange(adata.n_obs)
    if adata.n_obs > MAX_CELLS:
        cells = np.sort(np.random.default_rng(0).choice(cells, MAX_CELLS, replace=False))
    ranks = sentences.ranks[cells]
    ranks = ranks[:, : (ranks != adata_keys.PADDING).sum(axis=1).max()]
    if not ranks.size:
        raise ValueError(f"nothing to draw: the sentences of all {len(cells)} cells are empty")

    source = expression_source(adata, sentences)
    expression = np.full(ranks.shape, np.nan)
    for first, rows in row_blocks(source.X[cells]):
        cell, rank, values = expression_at_rank(source, rows, ranks[first : first + rows.shape[0]])
        expression[first + cell, rank] = values
    return expression
