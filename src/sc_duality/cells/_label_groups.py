"""Groups of cells with predicted labels: the label of each group, how many cells agree, and the runner-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import adata_keys
from ._adata import check_column, column, in_memory, text_column

if TYPE_CHECKING:
    from anndata import AnnData


class LabelGroup(NamedTuple):
    """The predicted labels of one group of cells."""

    name: str
    #: Rows of the cells of the group.
    rows: NDArray[np.int64]
    #: The most frequent label; ``"unknown"`` if that is the only one, ``None`` if no cell has a label.
    label: str | None
    #: Rows of the cells of the group that have this label.
    labelled: NDArray[np.int64]
    #: Mean probability of the label over the cells, NaN without probabilities.
    probability: float
    #: The label with the highest mean probability among the others or, without probabilities, the second most
    #: frequent one; ``None`` if there is no other.
    runner_up: str | None
    #: Mean probability of the runner-up, or its share of the cells.
    runner_up_probability: float


def label_groups(adata: AnnData, key: str, groupby: str | None = None) -> list[LabelGroup]:
    """Groups of cells with their predicted labels, the largest first.

    Parameters
    ----------
    adata
        Cells with predicted labels in ``obs[key]``.
    key
        The predictions.
    groupby
        ``obs`` column of the groups; by default, the cells of one label are a group.

    Raises
    ------
    KeyError
        ``obs`` has no such columns.
    ValueError
        No cell has a group.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.cells import label_groups
    >>> adata = sd.datasets.pbmc3k()[::8].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> largest = label_groups(adata, "annotation", "cell_type")[0]
    >>> len(largest.labelled) <= len(largest.rows)
    True
    """
    if key not in adata.obs:
        raise KeyError(f"obs has no predictions {key!r}: run sd.tl.annotate(adata, key_added={key!r}) first")
    if groupby is not None:
        check_column(adata, groupby, "groupby")
    labels = text_column(adata, key).to_numpy()
    groups = text_column(adata, key if groupby is None else groupby).reset_index(drop=True)
    table, columns = _probabilities(adata, key)
    found = [
        _group(str(name), np.sort(rows), labels, table, columns)
        for name, rows in groups.groupby(groups, observed=True).indices.items()
    ]
    if not found:
        raise ValueError(f"obs[{groupby or key!r}] is missing for every cell: there are no groups")
    return sorted(found, key=lambda group: (-len(group.rows), group.name))


def label_options(adata: AnnData, key: str) -> list[str]:
    """The labels that the predictions under ``key`` chose among; none if ``uns`` does not tell."""
    result: Any = adata.uns.get(key)
    params = result.get(adata_keys.PARAMS, {}) if isinstance(result, Mapping) else {}
    return [str(label) for label in np.asarray(params.get("labels", ()), dtype=object)]


def _probabilities(adata: AnnData, key: str) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """The table of probabilities, and the label of each of its columns; an array does not name its labels."""
    table: Any = adata.obsm.get(adata_keys.probabilities(key))
    if not hasattr(table, "columns"):
        return None, {}
    table = in_memory(table)
    labels = {adata_keys.probability_column(label): label for label in label_options(adata, key)}
    return table, {name: labels.get(name, name) for name in map(str, table.columns)}


def _group(
    name: str,
    rows: NDArray[np.int64],
    labels: NDArray[Any],
    table: pd.DataFrame | None,
    columns: Mapping[str, str],
) -> LabelGroup:
    counts = pd.Series(labels[rows], dtype=object).value_counts()
    counts = counts.iloc[np.lexsort((counts.index.astype(str), -counts.to_numpy()))]
    known = counts.drop(adata_keys.UNKNOWN, errors="ignore")
    label = str((known if len(known) else counts).index[0]) if len(counts) else None
    labelled = rows[labels[rows] == label] if label is not None else rows[:0]
    mean = table.iloc[rows].mean().rename(index=columns) if table is not None else None
    if mean is None or mean.isna().all():
        others = known.drop([label], errors="ignore") / len(rows)
        probability = np.nan
    else:
        others = mean.drop([label, adata_keys.UNKNOWN], errors="ignore").sort_values(ascending=False, kind="stable")
        probability = float(mean.get(label, np.nan))
    runner_up, share = (str(others.index[0]), float(others.iloc[0])) if len(others) else (None, np.nan)
    return LabelGroup(name, rows, label, labelled, probability, runner_up, share)


def mode(values: pd.Series) -> str | None:
    """The most frequent text, the first by name among equals; ``None`` if all are missing."""
    counts = values.dropna().astype(str).value_counts()
    return min(counts.index[counts == counts.max()]) if len(counts) else None


def optional_column(adata: AnnData, name: str) -> pd.Series | None:
    """A column of ``obs`` by row number, or ``None`` if ``obs`` lacks it."""
    return column(adata, name).reset_index(drop=True) if name in adata.obs else None
