"""Genes that a perturbation is predicted to change most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from ..cells import adata_keys, modality, to_shared_genes
from ._common import DATA, LINE, axes
from ._predicted_cells import gene_means, predicted_and_control

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: Markers of a gene's rank in control and in predicted cells.
CONTROL: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 6, "markerfacecolor": "white"}
PREDICTED: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 6}


def perturbed_genes(
    adata: AnnData | MuData,
    *,
    n_top: int = 20,
    n_genes: int | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Ranks of the genes with the largest predicted change, in control (open) and in predicted cells (filled).

    The rank is the geometric mean over cells; a gene that is not in a sentence of n genes has rank n + 1. The genes
    with the largest change on the logarithmic axis are drawn, from the largest increase to the largest decrease.
    Increases point to the right.

    Parameters
    ----------
    adata
        The result of :func:`sc_duality.tl.perturb`. Invalid predictions, which have no genes, are left out.
    n_top
        Number of genes to draw.
    n_genes
        Genes to use of each sentence, n. By default the largest number that at least half of the control and of the
        predicted cells have.
    sentence_key
        Key of the cell sentences.
    mod
        Modality of a MuData.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    The axes.

    Raises
    ------
    KeyError
        There are no cell sentences, or ``adata`` does not come from :func:`sc_duality.tl.perturb`.
    ValueError
        No predicted cell has genes, or no gene changes.

    Examples
    --------
    >>> import sc_duality as sd
    >>> control = sd.datasets.pbmc3k()[:5].copy()
    >>> adata = sd.tl.perturb(control, ("cytokine", "IFNB1"), n_genes=10)
    >>> sd.pl.perturbed_genes(adata, n_top=5, n_genes=10).get_xlabel()
    'mean rank (11: not in the sentence)'
    """
    predicted, control = predicted_and_control(modality(adata, mod), sentence_key)
    shared = to_shared_genes([predicted, control], sentence_key, n_genes)
    after, before = (gene_means(part) for part in shared.rank_weights)
    top = _most_changed(after - before, n_top)
    if not len(top):
        raise ValueError("nothing to draw: the prediction changes no gene")
    absent = shared.n_genes + 1
    ranks = absent / 10 ** np.column_stack([before, after])[top]

    ax = axes(ax, (6.5, 1.6 + 0.23 * len(top)))
    for y, pair in enumerate(ranks):
        colour = LINE if pair[1] < pair[0] else DATA
        ax.plot(pair, [y, y], color=colour, linewidth=2, alpha=0.5, zorder=1)
        for rank, style in zip(pair, (CONTROL, PREDICTED), strict=True):
            ax.plot(rank, y, color=colour, **style)
    ax.set_yticks(range(len(top)), shared.genes[top])
    ax.set(xscale="log", xlim=(absent * 1.1, ranks.min() / 1.2), ylim=(-0.8, len(top) - 0.2))
    ax.set(xlabel=f"mean rank ({absent}: not in the sentence)", title=f"{predicted.n_obs:,} cells\n{shared}")
    _style_axes(ax)
    return ax


def _most_changed(change: np.ndarray, n_top: int) -> np.ndarray:
    """Indices of the genes with the largest change, from the largest decrease to the largest increase."""
    top = np.argsort(-np.abs(change), kind="stable")[:n_top]
    top = top[change[top] != 0]
    return top[np.argsort(change[top], kind="stable")]


def _style_axes(ax: Axes) -> None:
    """Set ticks at whole ranks, grid lines and the legend."""
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    sides = [
        Line2D([], [], color="0.3", label=label, **style)
        for label, style in (("control", CONTROL), ("predicted", PREDICTED))
    ]
    ax.legend(handles=sides, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
