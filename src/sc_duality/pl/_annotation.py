"""Answers beside a reference: the confusion heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..cells import modality
from ..cells.adata_keys import ANNOTATION, UNKNOWN
from ._common import axes, groups

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

NO_ANSWER = "no answer"
NO_REFERENCE = "no reference"
#: Up to this many rows and columns, the counts are written into the heat map.
MAX_WRITTEN = 20


def annotation(
    adata: AnnData | MuData,
    reference: str,
    *,
    key: str = ANNOTATION,
    mod: str = "rna",
    ax: Axes | None = None,
) -> Axes:
    """Heat map of the labels in ``obs[key]`` against those in ``obs[reference]``.

    A row is a reference label, a column an answer. The colour is the share of the row's cells, the number in a field
    is the count of its cells. Rows and columns are ordered so that what belongs together lies along the diagonal:
    by name where a reference label is also an answer, else by the most frequent answer.

    Parameters
    ----------
    adata
        Annotated cells.
    reference
        Column of ``obs`` to compare with.
    key
        Column of ``obs`` with the answers of :func:`sc_duality.tl.annotate`. The answer ``unknown`` and missing
        answers have columns of their own, on the right.
    mod
        Modality of a MuData.
    ax
        Where to draw; a new figure without it.

    Returns
    -------
    The axes. Their title tells the share of cells with the same label, ``unknown`` and missing answers counted as
    different, when every reference label is also a possible answer; otherwise no agreement is claimed.

    Raises
    ------
    KeyError
        ``obs`` lacks ``key`` or ``reference``.
    ValueError
        A column has over 100 labels, or none.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> answer = adata.obs["cell_type"].copy()
    >>> answer[answer == "CD8 T cells"] = "NK cells"
    >>> adata.obs["annotation"] = answer
    >>> sd.pl.annotation(adata, "cell_type").get_title()
    '84 % of 317 cells agree'
    """
    adata = modality(adata, mod)
    answer = groups(adata, key, mend="run sd.tl.annotate(adata) first, or ")
    truth = groups(adata, reference)
    counts = _arranged(_counted(truth, answer))
    rows, columns = counts.shape

    ax = axes(ax, (2.8 + 0.5 * columns, 1.8 + 0.4 * rows))
    shares = counts.div(counts.sum(axis=1), axis=0)
    image = ax.imshow(shares.to_numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.figure.colorbar(image, ax=ax, label="share of the row's cells", shrink=0.8)
    if max(rows, columns) <= MAX_WRITTEN:
        _write_counts(ax, counts.to_numpy(), shares.to_numpy())

    ax.set_xticks(range(columns), counts.columns, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(rows), [f"{name} ({n})" for name, n in counts.sum(axis=1).items()])
    ax.set(xlabel=key, ylabel=f"{reference} (cells)")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    named = columns - counts.columns.isin([UNKNOWN, NO_ANSWER]).sum()
    if 0 < named < columns:
        ax.axvline(named - 0.5, color="0.3", linewidth=1)
    if set(truth.cat.remove_unused_categories().cat.categories) <= set(answer.cat.categories):
        known = truth.notna()
        same = answer.astype(object)[known] == truth.astype(object)[known]
        ax.set_title(f"{same.mean():.0%} of {known.sum()} cells agree".replace("%", " %"))
    return ax


def _counted(truth: pd.Series, answer: pd.Series) -> pd.DataFrame:
    """Cells per reference label and answer; a reference label that is a possible answer keeps its column."""
    table = pd.crosstab(
        truth.astype(object).where(truth.notna(), NO_REFERENCE),
        answer.astype(object).where(answer.notna(), NO_ANSWER),
    )
    rows = [name for name in [*truth.cat.categories, NO_REFERENCE] if name in table.index]
    possible = [*answer.cat.categories.drop(UNKNOWN, errors="ignore"), UNKNOWN, NO_ANSWER]
    columns = [name for name in possible if name in table.columns or (name in rows and name in answer.cat.categories)]
    return table.reindex(index=rows, columns=columns, fill_value=0)


def _arranged(counts: pd.DataFrame) -> pd.DataFrame:
    """Rows beside the answers that they mostly got, answers beside the rows that they were mostly given to."""
    named = counts.drop(columns=[UNKNOWN, NO_ANSWER], errors="ignore")
    shares = named.div(counts.sum(axis=1), axis=0)
    partner: dict[str | None, str | None] = {row: row if row in named else best for row, best in _best(shares).items()}
    home = {
        column: column if column in partner.values() else partner.get(row) for column, row in _best(shares.T).items()
    }
    place = {name: i for i, name in enumerate(named.columns)}
    columns = sorted(named.columns, key=lambda name: (place.get(home[name], len(place)), name != home[name]))
    place = {name: i for i, name in enumerate(columns)}
    rows = sorted(counts.index, key=lambda name: (name == NO_REFERENCE, place.get(partner[name], len(place))))
    return counts.loc[rows, [*columns, *counts.columns.drop(columns)]]


def _best(shares: pd.DataFrame) -> dict[str, str | None]:
    """For each row the column with the largest share, None for a row of zeros."""
    return {row: values.idxmax() if values.any() else None for row, values in shares.iterrows()}


def _write_counts(ax: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    """Each count that is not zero into its field, white where the field is dark."""
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.55 else "black"
        ax.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=8)
