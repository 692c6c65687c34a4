"""Dotplot of the genes that decided the predicted labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import LogLocator, NullFormatter

from .. import get
from .._validation import positive_integer
from ..cells import adata_keys, evidence_table, modality
from ._common import axes
from ._dots import ABOVE, MAX_AREA, row_title, scaled, size_legend

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: Colours of drops, from the largest down to this fraction of it, and of expression.
DROPS, SMALLEST, EXPRESSION = "YlOrRd", 1e-3, "Greys"


def evidence(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    *,
    by: Literal["drop", "contrast"] = "drop",
    n_genes: int = 4,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Dotplot of the genes that decided the predicted labels.

    A row is a group of cells with its label, a column a gene. The size of a dot is the share of the cells of the group
    that express the gene. Where the gene decided the label of the group, its colour is the drop: how much the
    log-probability of the label falls when the gene is hidden. Elsewhere it is the mean expression in grey, scaled to
    the largest group of the gene. Genes in bold are marker genes of the group as well.

    Parameters
    ----------
    adata
        Cells with labels explained by :func:`sc_duality.tl.explain`.
    key
        The predictions.
    by
        ``"drop"``, or ``"contrast"``: the drop against the log-probability of the runner-up.
    n_genes
        Genes of each group at most.
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
        The predictions have not been explained.
    ValueError
        No gene speaks for a label.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[::12].copy()
    >>> sd.pp.cell_sentences(adata, n_genes=50)  # fewer genes to hide take less time
    >>> sd.tl.annotate(adata, labels="blood")
    >>> sd.tl.explain(adata, n_cells=2)
    >>> len(sd.pl.evidence(adata, n_genes=1).get_xticks()) > 3
    True
    """
    data = modality(adata, mod)
    shown = get.evidence(data, key, by=by, n_genes=positive_integer("n_genes", n_genes))
    if shown.empty:
        raise ValueError(f"nothing to draw: no gene speaks for a label in uns[{key!r}]['evidence']")
    groups = evidence_table(data, key, adata_keys.EVIDENCE_GROUPS).set_index("group")
    names, genes = [str(name) for name in groups.index], list(dict.fromkeys(shown["gene"].astype(str)))
    fraction, mean = (_wide(data, key, name, names, genes) for name in ("fraction", "mean_expression"))
    drop = shown.astype({"gene": str, "group": str}).pivot_table(by, "group", "gene", observed=True)
    drop = drop.reindex(index=names, columns=genes)

    ax = axes(ax, (4.2 + 0.27 * len(genes), 1.9 + 0.36 * len(names)))
    _draw_dots(ax, fraction.to_numpy(), scaled(mean).to_numpy(), drop.to_numpy(), by)
    markers = set(shown.loc[shown["is_marker"].astype(bool), "gene"].astype(str))
    ax.set_xticks(range(len(genes)), genes, rotation=90, parse_math=False)
    for tick, gene in zip(ax.get_xticklabels(), genes, strict=True):
        tick.set_fontweight("bold" if gene in markers else "normal")
    titles = [row_title(name, str(groups.at[name, "label"]), int(groups.at[name, "n_cells"])) for name in names]
    ax.set_yticks(range(len(names)), titles, parse_math=False)
    ax.set(xlim=(-0.8, len(genes) - 0.2), ylim=(len(names) - 0.3, -0.7))
    ax.set_xlabel("genes (bold: marker genes of the group as well)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(length=0)
    return ax


def _wide(adata: AnnData, key: str, value: str, groups: list[str], genes: list[str]) -> pd.DataFrame:
    """Groups × genes."""
    table = evidence_table(adata, key, adata_keys.EVIDENCE_EXPRESSION).astype({"gene": str, "group": str})
    return table.pivot_table(value, "group", "gene", observed=True).reindex(index=groups, columns=genes)


def _draw_dots(ax: Axes, fraction: np.ndarray, mean: np.ndarray, drop: np.ndarray, name: str) -> None:
    """Grey dots for expression, coloured ones where the gene decided; and the legends of colour and size."""
    y, x = np.indices(fraction.shape)
    area = MAX_AREA * np.nan_to_num(fraction)
    decided = ~np.isnan(drop)
    for row in range(len(fraction)):
        ax.axhline(row, color="0.93", linewidth=0.8, zorder=0)
    grey = mpl.colormaps[EXPRESSION](Normalize(0, 1.6)(np.nan_to_num(mean)))
    ax.scatter(x[~decided], y[~decided], s=area[~decided], c=grey[~decided], edgecolors="0.6", linewidths=0.4, zorder=2)
    largest = float(np.nanmax(drop))
    norm = LogNorm(max(float(np.nanmin(drop)), largest * SMALLEST), largest * (1 + 1e-9), clip=True)
    dots = ax.scatter(
        *(x[decided], y[decided]),
        s=np.maximum(area[decided], 0.08 * MAX_AREA),
        c=drop[decided],
        cmap=DROPS,
        norm=norm,
        edgecolors="0.2",
        linewidths=0.8,
        zorder=3,
    )
    what = "label's log-probability" if name == "drop" else "log-odds against the runner-up"
    bar = ax.figure.colorbar(dots, ax=ax, shrink=0.75, aspect=16, pad=0.02)
    bar.set_label(f"drop of the {what} (nats)", fontsize=8)
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.tick_params(labelsize=8)
    ax.legend(*size_legend(), bbox_to_anchor=(0, 1.0), ncols=3, **ABOVE)
