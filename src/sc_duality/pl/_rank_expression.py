"""How expression falls with rank, and the line that stands for it."""

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
    adata: AnnData | MuData, *, key: str = adata_keys.SENTENCE, mod: str = "rna", ax: Axes | None = None
) -> Axes:
    """Expression by rank in the cell sentences, and the line that :func:`sc_duality.pp.fit_expression` fitted.

    Drawn are, at each rank, the median and the middle half of the cells whose sentence is that long. Ranks count
    from 1, on a logarithmic axis on which the fit is a straight line. Expression is log10(1 + counts per 10,000).

    Parameters
    ----------
    adata
        Cells with sentences, a fit, and the matrix that the sentences were written from.
    key
        Key of the sentences.
    mod
        Modality of a MuData.
    ax
        Where to draw; a new figure without it.

    Returns
    -------
    The axes. At most 2,000 cells are drawn, chosen with a fixed seed; the fit is of all cells.

    Raises
    ------
    KeyError
        There are no sentences, no fit, or the matrix or genes of the sentences are gone.
    ValueError
        The matrix has changed since the sentences were written, or all sentences are empty.

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
    sentences = read_sentences(data, key)
    model = expression_model(sentences, key)
    drawn = _sample(data, sentences)
    rank = np.arange(1, drawn.shape[1] + 1)
    low, median, high = np.nanquantile(drawn, [0.25, 0.5, 0.75], axis=0)

    ax = axes(ax, (5.5, 4))
    cells = f"{len(drawn):,} of {data.n_obs:,}" if len(drawn) < data.n_obs else f"{data.n_obs:,}"
    ax.fill_between(rank, low, high, color=DATA, alpha=0.3, linewidth=0, label=f"middle half of {cells} cells")
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


def _sample(adata: AnnData, sentences: Sentences) -> np.ndarray:
    """(cells, ranks): log10(1 + counts per 10,000) of the gene at each rank, NaN after the last; cells are a sample."""
    cells = np.arange(adata.n_obs)
    if adata.n_obs > MAX_CELLS:
        cells = np.sort(np.random.default_rng(0).choice(cells, MAX_CELLS, replace=False))
    ranks = sentences.ranks[cells]
    ranks = ranks[:, : (ranks != adata_keys.PADDING).sum(axis=1).max()]
    if not ranks.size:
        raise ValueError(f"nothing to draw: no sentence names a gene, out of {len(cells)} cells")

    origin = expression_source(adata, sentences)
    drawn = np.full(ranks.shape, np.nan)
    for first, rows in row_blocks(origin.X[cells]):
        cell, place, y = expression_at_rank(origin, rows, ranks[first : first + rows.shape[0]])
        drawn[first + cell, place] = y
    return drawn
