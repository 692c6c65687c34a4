"""Genes that a perturbation is predicted to change, by the size of the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from .. import get
from ..cells import adata_keys, modality
from ._common import DATA, LINE, axes

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def gene_changes(
    adata: AnnData | MuData,
    key: str = adata_keys.RESPONSE,
    *,
    n_top: int = 10,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Draw the genes with the largest predicted changes: mean and standard deviation over predictions.

    Genes that rise are above those that fall, each with the largest change outermost.

    Parameters
    ----------
    adata
        The result of :func:`sc_duality.tl.perturb`.
    key
        Name of the result.
    n_top
        Genes up, and genes down, at most.
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
        ``adata`` is not a result of :func:`sc_duality.tl.perturb` under this key.
    ValueError
        No gene changes.

    Examples
    --------
    >>> import sc_duality as sd
    >>> control = sd.datasets.pbmc3k()[:5].copy()
    >>> adata = sd.tl.perturb(control, ("cytokine", "IFNB1"))
    >>> sd.pl.gene_changes(adata, n_top=5).get_xlabel()
    'change, log10(1 + counts per 10,000)'
    """
    data = modality(adata, mod)
    table = get.gene_changes(data, key, n_top=n_top).sort_values("change", kind="stable")
    if table.empty:
        raise ValueError("nothing to draw: the prediction changes no gene")
    ax = axes(ax, (5.0, 1.2 + 0.23 * len(table)))
    for y, (change, sd) in enumerate(zip(table["change"], table["sd"], strict=True)):
        colour = LINE if change > 0 else DATA
        ax.plot([change - sd, change + sd], [y, y], color=colour, linewidth=2, alpha=0.5, zorder=1)
        ax.plot(change, y, color=colour, marker="o", markersize=6)
    ax.axvline(0, color="0.3", linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(table)), table.index)
    ax.set(xlabel="change, log10(1 + counts per 10,000)", ylim=(-0.8, len(table) - 0.2))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax
