"""Dotplot of the genes that a model cites in its reasoning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .. import get
from .._validation import positive_integer
from ..cells import adata_keys, cell_names, group_expression, modality, mode, ranked_matrix, text_column
from ._common import LINE, axes, groups
from ._dots import ABOVE, MAX_AREA, row_title, scaled, size_legend

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

#: Colours of expression.
EXPRESSION = "Blues"
#: A gene that fewer cells of a group express is hardly expressed in it.
MIN_FRACTION = 0.1


def reasoning(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    *,
    groupby: str | None = None,
    n_genes: int = 5,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Dotplot of the genes that a model cites in its reasoning, with their expression.

    A row is a group of cells, a column a gene. The size of a dot is the share of the cells of the group that express
    the gene, the colour its mean expression, scaled to the largest group of the gene. A ring marks the groups that the
    gene was cited for. A cross marks citations without evidence: the prompt did not show the gene for the group, or
    fewer than 10 % of its cells express it.

    Parameters
    ----------
    adata
        Cells with a result that has reasoning, see :func:`sc_duality.get.reasoning`.
    key
        The result.
    groupby
        ``obs`` column of the rows. By default the groups that the prompts were about, which several columns may name
        together, or for prompts about cells the labels in ``obs[key]``. A gene is cited for a row if it is cited for
        any of its cells or groups, in any sample.
    n_genes
        Genes of each row at most: those that are cited most often, and of these the first in the text.
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
        The result has no reasoning, or ``obs`` has no such column.
    ValueError
        The reasoning is not about these cells, is about cells whose names repeat, or cites no gene for them.

    Examples
    --------
    >>> import sc_duality as sd
    >>> class Reasoner:
    ...     spec = sd.models.ModelSpec("reasoner", "nowhere")
    ...     def generate(self, prompts, sampling):
    ...         return ["<think>CD79A and LYZ.</think><answer>B cell</answer>"] * len(prompts)
    ...     score = likelihood = embed = generate
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.tl.annotate(adata, Reasoner(), groupby="cell_type", labels=["B cell", "T cell"], method="generate")
    >>> [tick.get_text() for tick in sd.pl.reasoning(adata).get_xticklabels()]
    ['CD79A', 'LYZ']
    """
    data = modality(adata, mod)
    table = get.reasoning(data, key)
    positive_integer("n_genes", n_genes)
    units, column = _units(data, key, table)
    column = column if groupby is None else groupby
    rows = pd.Series(pd.Categorical(units)) if column is None else groups(data, column)
    group = rows.astype(object).groupby(units.to_numpy()).agg(mode)
    cited = _citations(table.assign(group=table["unit"].map(group)), n_genes)
    if cited.empty:
        raise ValueError(f"nothing to draw: the reasoning in uns[{key!r}] cites no gene for these cells")
    names = [name for name in rows.cat.categories if (rows == name).any()]
    genes = list(dict.fromkeys(cited.sort_values("group", key=lambda one: one.map(names.index), kind="stable")["gene"]))
    found = group_expression(data, rows.astype(object).where(rows.notna(), None), genes, **ranked_matrix(data, key))
    fraction, mean = (part.reindex(names) for part in found)
    labels = text_column(data, key).reset_index(drop=True) if key in data.obs else rows

    ax = axes(ax, (4.2 + 0.27 * len(genes), 2.2 + 0.36 * len(names)))
    _draw_dots(ax, fraction.to_numpy(), scaled(mean).to_numpy())
    _draw_marks(ax, cited, fraction)
    titles = [row_title(name, mode(labels[rows == name]) or name, int((rows == name).sum())) for name in names]
    ax.set_xticks(range(len(genes)), genes, rotation=90, parse_math=False)
    ax.set_yticks(range(len(names)), titles, parse_math=False)
    ax.set(xlim=(-0.8, len(genes) - 0.2), ylim=(len(names) - 0.3, -0.7), xlabel="genes cited in the reasoning")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(length=0)
    return ax


def _units(adata: AnnData, key: str, table: pd.DataFrame) -> tuple[pd.Series, str | None]:
    """The cell or group of each cell that the prompts were about, and the column of the rows by default.

    The column is ``None`` where the groups themselves are the rows: those of several columns, and all cells.
    """
    columns = _group_columns(adata, key)
    if not columns and key not in adata.obs:  # a text about all cells
        return pd.Series([table["unit"].iloc[0]] * adata.n_obs, dtype=object), None
    if columns and all(name in adata.obs for name in columns):
        values = zip(*(text_column(adata, name) for name in columns), strict=True)
        units = pd.Series([None if None in row else " | ".join(row) for row in values], dtype=object)
        if units.isin(table["unit"]).any():
            return units, columns[0] if len(columns) == 1 else None
    units = pd.Series(cell_names(adata).astype(str), dtype=object)
    if not units.isin(table["unit"]).any():
        raise ValueError(
            f"none of the cells or groups in uns[{key!r}]['reasoning'] is among these cells, such as "
            f"{table['unit'].iloc[0]!r}: were they renamed, or the cells selected?"
        )
    repeated = pd.concat([units[units.duplicated()], table["unit"][table.duplicated(["unit", "batch", "sample"])]])
    if len(repeated):
        raise ValueError(
            f"names of cells repeat, such as {repeated.iloc[0]!r}, and do not tell which cell the reasoning is about: "
            "call adata.obs_names_make_unique() before predicting"
        )
    return units, key


def _group_columns(adata: AnnData, key: str) -> list[str]:
    """The ``obs`` columns of the groups that a tool was called with; none without groups."""
    entry: Any = adata.uns[key]
    params = entry.get(adata_keys.PARAMS)
    found = params.get("groupby") if isinstance(params, Mapping) else None
    return [] if found is None else [str(name) for name in np.atleast_1d(np.asarray(found, dtype=object))]


def _citations(table: pd.DataFrame, n_genes: int) -> pd.DataFrame:
    """Groups with the genes that are cited for them, and whether any prompt showed the gene for the group."""
    found = []
    for group, part in table.dropna(subset="group").groupby("group", sort=False):
        cited = Counter(gene for genes in part["cited"] for gene in genes.split())
        shown = {gene for genes in part["shown"] for gene in genes.split()}
        found += [(group, gene, gene in shown) for gene, _ in cited.most_common(n_genes)]
    return pd.DataFrame(found, columns=["group", "gene", "is_shown"])


def _draw_dots(ax: Axes, fraction: np.ndarray, mean: np.ndarray) -> None:
    """Dots of expression with the legend of colours."""
    y, x = np.indices(fraction.shape)
    for row in range(len(fraction)):
        ax.axhline(row, color="0.93", linewidth=0.8, zorder=0)
    area, color = MAX_AREA * np.nan_to_num(fraction).ravel(), np.nan_to_num(mean).ravel()
    look: dict[str, Any] = {"cmap": EXPRESSION, "vmin": 0, "vmax": 1, "edgecolors": "0.6", "linewidths": 0.4}
    dots = ax.scatter(x.ravel(), y.ravel(), s=area, c=color, zorder=2, **look)
    bar = ax.figure.colorbar(dots, ax=ax, shrink=0.75, aspect=16, pad=0.02)
    bar.set_label("mean expression, scaled by gene", fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _draw_marks(ax: Axes, cited: pd.DataFrame, fraction: pd.DataFrame) -> None:
    """Rings and crosses at the citations, with the legend of sizes and marks."""
    y, x = fraction.index.get_indexer(cited["group"]), fraction.columns.get_indexer(cited["gene"])
    has_evidence = cited["is_shown"].to_numpy() & (np.nan_to_num(fraction.to_numpy()[y, x]) >= MIN_FRACTION)
    ring: dict[str, Any] = {"marker": "o", "facecolors": "none", "edgecolors": "0.1", "linewidths": 1.4}
    cross: dict[str, Any] = {"marker": "x", "color": LINE, "linewidths": 1.8}
    ax.scatter(x[has_evidence], y[has_evidence], s=1.35 * MAX_AREA, zorder=3, **ring)
    ax.scatter(x[~has_evidence], y[~has_evidence], s=0.5 * MAX_AREA, zorder=4, **cross)
    marks = [
        Line2D([], [], linestyle="", marker="o", markersize=10, markerfacecolor="none", markeredgecolor="0.1"),
        Line2D([], [], linestyle="", marker="x", markersize=7, color=LINE, markeredgewidth=1.8),
    ]
    without = f"cited, but not shown to the model, or in < {100 * MIN_FRACTION:.0f} % of cells"
    sizes, texts = size_legend()
    # Columns of two: a size, and a mark below it.
    handles = [sizes[0], marks[0], sizes[1], Line2D([], [], linestyle=""), sizes[2], marks[1]]
    ax.legend(handles, [texts[0], "cited", texts[1], "", texts[2], without], bbox_to_anchor=(0, 1.0), ncols=3, **ABOVE)
