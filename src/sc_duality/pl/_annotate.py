"""Confusion matrix of predicted and true labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..cells import is_labelled, modality
from ..cells.adata_keys import ANNOTATION, UNKNOWN
from ._common import RUN_ANNOTATE, axes, groups, short_names

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

NO_PREDICTION = "no prediction"
NO_TRUTH = "no true label"
#: Rows of fewer cells are drawn paler, down to this opacity.
SMALL_ROW, MIN_OPACITY = 10, 0.25
#: Rows and columns up to which counts have their full size.
FULL_SIZE = 20


def annotate(
    adata: AnnData | MuData,
    truth: str,
    *,
    key: str = ANNOTATION,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Confusion matrix of the predicted labels in ``obs[key]`` and the true labels in ``obs[truth]``.

    A row is a true label, a column a predicted label. Numbers are counts of cells, colours are fractions of the row,
    paler in rows of fewer than 10 cells. Labels have their short names (:func:`sc_duality.get.display_names`).
    Rows and columns are ordered so that agreement lies along the diagonal: by name if the label sets share the label,
    else by the most frequent prediction.

    Parameters
    ----------
    adata
        Annotated cells.
    truth
        Column of ``obs`` with the true labels.
    key
        Column of ``obs`` with the predicted labels of :func:`sc_duality.tl.annotate`. The label ``unknown`` and missing
        predictions have their own columns on the right.
    mod
        Modality of a MuData.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    The axes. If every true label is also a possible prediction, the title is the share of cells with the same label;
    ``unknown`` and missing predictions count as different. Cells whose true label is ``unknown`` or missing do not
    count.

    Raises
    ------
    KeyError
        ``obs`` lacks ``key`` or ``truth``.
    ValueError
        A column has no labels or more than 100.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> predicted = adata.obs["cell_type"].copy()
    >>> predicted[predicted == "CD8 T cells"] = "NK cells"
    >>> adata.obs["annotation"] = predicted
    >>> sd.pl.annotate(adata, "cell_type").get_title()
    '84 % of 317 cells agree'
    """
    adata = modality(adata, mod)
    predicted = groups(adata, key, hint=RUN_ANNOTATE)
    true = groups(adata, truth)
    counts = _ordered(_counted(true, predicted))
    rows, columns = counts.shape

    ax = axes(ax, (2.8 + 0.5 * columns, 1.8 + 0.4 * rows))
    fractions = counts.div(counts.sum(axis=1), axis=0)
    n_cells = counts.sum(axis=1).to_numpy()
    opacity = np.clip(n_cells / SMALL_ROW, MIN_OPACITY, 1)
    image = ax.imshow(fractions.to_numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    image.set_alpha(np.repeat(opacity[:, None], columns, axis=1))
    bar = plt.cm.ScalarMappable(image.norm, image.cmap)
    ax.figure.colorbar(bar, ax=ax, label="fraction of row", shrink=0.8)
    _write_counts(ax, counts.to_numpy(), fractions.to_numpy() * opacity[:, None])

    short = short_names([*counts.index, *counts.columns.difference(counts.index)])
    predictions = [short[name] for name in counts.columns]
    ax.set_xticks(range(columns), predictions, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    ax.set_yticks(range(rows), [f"{short[name]} ({n:,})" for name, n in counts.sum(axis=1).items()], parse_math=False)
    ax.set(xlabel=f"predicted: {key}", ylabel=f"true: {truth} (cells)", title=_agreement(true, predicted))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    n_labels = columns - counts.columns.isin([UNKNOWN, NO_PREDICTION]).sum()
    if 0 < n_labels < columns:
        ax.axvline(n_labels - 0.5, color="0.3", linewidth=1)
    return ax


def _agreement(true: pd.Series, predicted: pd.Series) -> str:
    """Share of cells with the same label, empty if a true label is not a possible prediction."""
    known = is_labelled(true)
    if not known.any() or not set(true[known]) <= set(predicted.cat.categories):
        return ""
    same = predicted.astype(object)[known] == true.astype(object)[known]
    return f"{100 * same.mean():.0f} % of {known.sum():,} cells agree"


def _counted(true: pd.Series, predicted: pd.Series) -> pd.DataFrame:
    """Count cells per true and predicted label; a true label that was never predicted keeps its column."""
    table = pd.crosstab(
        true.astype(object).where(true.notna(), NO_TRUTH),
        predicted.astype(object).where(predicted.notna(), NO_PREDICTION),
    )
    rows = [name for name in [*true.cat.categories, NO_TRUTH] if name in table.index]
    possible = predicted.cat.categories
    columns = [
        name
        for name in [*possible.drop(UNKNOWN, errors="ignore"), UNKNOWN, NO_PREDICTION]
        if name in table.columns or (name in rows and name in possible)
    ]
    return table.reindex(index=rows, columns=columns, fill_value=0)


def _ordered(counts: pd.DataFrame) -> pd.DataFrame:
    """Order rows and columns so that agreement lies along the diagonal.

    The main column of a row has the row's own name, or else is its most frequent prediction. Rows follow the order of
    their main columns. Any other column stands next to the main column of the row in which it is most frequent.
    """
    labels = counts.drop(columns=[UNKNOWN, NO_PREDICTION], errors="ignore")
    fractions = labels.div(counts.sum(axis=1), axis=0)
    main = {row: row if row in labels else largest for row, largest in _largest(fractions).items()}
    neighbour = {
        column: column if column in main.values() else main.get(row) for column, row in _largest(fractions.T).items()
    }
    last = len(labels.columns)
    position = {name: i for i, name in enumerate(labels.columns)}
    columns = sorted(labels.columns, key=lambda name: (position.get(neighbour[name], last), name != neighbour[name]))
    position = {name: i for i, name in enumerate(columns)}
    rows = sorted(counts.index, key=lambda name: (name == NO_TRUTH, position.get(main[name], last)))
    return counts.loc[rows, [*columns, *counts.columns.drop(columns)]]


def _largest(table: pd.DataFrame) -> dict[str | None, str | None]:
    """For each row the column of its largest value, None for a row of zeros."""
    return {row: values.idxmax() if values.any() else None for row, values in table.iterrows()}


def _write_counts(ax: Axes, counts: np.ndarray, darkness: np.ndarray) -> None:
    """Write each count that is not zero into its field, in white if the field is dark."""
    size = 8 if max(counts.shape) <= FULL_SIZE else 6
    for row, column in np.argwhere(counts):
        colour = "white" if darkness[row, column] > 0.55 else "black"
        ax.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour, fontsize=size)
