"""What gets a label that no other gets: the clusters of a data set, or the cells of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from ..cells import cell_names, is_labelled, text_column

#: The batch of all groups, where there is but one.
ALL_GROUPS = "all groups"


class Units(NamedTuple):
    """Groups of cells, or single cells, each in one batch. Within a batch, no two get the same label."""

    names: list[str]
    #: (n_obs,): index of the unit of each cell, −1 where it is in none.
    of_cell: NDArray[np.int64]
    #: Indices of the units of each batch, by its name.
    batches: Mapping[str, NDArray[np.int64]]
    #: The labels that each batch chooses from, by its name; all labels where there is none.
    candidates: Mapping[str, frozenset[str]]

    @property
    def batch(self) -> NDArray[np.object_]:
        """Name of the batch of each unit."""
        found = np.empty(len(self.names), dtype=object)
        for name, units in self.batches.items():
            found[units] = name
        return found

    def options(self, batch: str, labels: Iterable[str]) -> list[int]:
        """Indices of the labels that a batch chooses from."""
        chosen = self.candidates.get(batch)
        return [i for i, label in enumerate(labels) if chosen is None or label in chosen]


def units_of(adata: AnnData, groupby: str | None, unique: bool | str, labels: Sequence[str] | str | None) -> Units:
    """The groups of ``groupby`` or the cells, in one batch or in those of the ``obs`` column ``unique``.

    Where ``labels`` is an ``obs`` column too, a batch chooses from the values that it has there.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd
    >>> from sc_duality.tl._units import units_of
    >>> obs = pd.DataFrame({"leiden": ["0", "0", "1"]}, index=["a", "b", "c"])
    >>> units = units_of(ad.AnnData(np.ones((3, 1)), obs=obs), "leiden", True, None)
    >>> units.names, units.of_cell.tolist(), {name: batch.tolist() for name, batch in units.batches.items()}
    (['0', '1'], [0, 0, 1], {'all groups': [0, 1]})
    """
    if groupby is None and not isinstance(unique, str):
        raise ValueError(
            "unique=True gives each label to one group at most: pass groupby=, such as 'leiden', or the obs column "
            "whose cells are told apart together, such as unique='puzzle'"
        )
    name = cell_names(adata).to_series()
    unit = name.astype(object) if groupby is None else text_column(adata, groupby)
    unit.index = name.index
    batch = text_column(adata, unique) if isinstance(unique, str) else pd.Series(ALL_GROUPS, index=name.index)
    rows = pd.DataFrame({"unit": unit.to_numpy(), "batch": batch.to_numpy()}, dtype=object)
    if groupby is None:  # names of cells may repeat
        rows["unit"] = np.arange(len(rows))
    rows = rows.dropna()
    of_unit = rows.drop_duplicates("unit" if groupby is None else ["unit", "batch"])
    twice = of_unit["unit"][of_unit["unit"].duplicated()]
    if len(twice):
        raise ValueError(
            f"unique={unique!r}: the group {twice.iloc[0]!r} of groupby={groupby!r} has cells of several batches: "
            "join the columns into one, adata.obs[a].astype(str) + ' ' + adata.obs[b].astype(str), and pass it as "
            "groupby="
        )
    of_unit = of_unit if groupby is None else of_unit.sort_values("unit", kind="stable")
    batches = {str(one): np.sort(rows) for one, rows in of_unit.reset_index(drop=True).groupby("batch").indices.items()}
    _check_batches(batches, groupby, unique)
    of_cell = np.full(adata.n_obs, -1)
    of_cell[rows.index] = pd.Index(of_unit["unit"]).get_indexer(rows["unit"])
    names = of_unit["unit"] if groupby is not None else name.iloc[of_unit["unit"].astype(int)]
    return Units(list(map(str, names)), of_cell, batches, _candidates(adata, rows, unique, labels))


def _check_batches(batches: Mapping[str, NDArray[np.int64]], groupby: str | None, unique: bool | str) -> None:
    """Refuse batches in which there is nothing to tell apart."""
    what = "cell" if groupby is None else "group"
    if not batches:
        raise ValueError(f"unique={unique!r}, groupby={groupby!r}: no {what} is left, all values are missing")
    single = [name for name, units in batches.items() if len(units) < 2]
    if single:
        where = f"groupby={groupby!r}" if unique is True else f"the batch {single[0]!r} of unique={unique!r}"
        raise ValueError(
            f"{where} has one {what}, and unique= tells several apart: leave unique= out"
            + ("" if unique is True else f", or these cells ({len(single)} batches)")
        )


def _candidates(
    adata: AnnData, rows: pd.DataFrame, unique: bool | str, labels: Sequence[str] | str | None
) -> dict[str, frozenset[str]]:
    """The labels in the column of labels in each batch; nothing where labels are not a column."""
    if not isinstance(unique, str) or not isinstance(labels, str) or labels not in adata.obs:
        return {}
    values = text_column(adata, labels).iloc[rows.index]
    found = {str(one): frozenset(part[is_labelled(part)]) for one, part in values.groupby(rows["batch"].to_numpy())}
    empty = [batch for batch, chosen in found.items() if not chosen]
    if empty:
        raise ValueError(
            f"labels={labels!r} has no label in {len(empty)} batches of unique={unique!r}, such as {empty[0]!r}: leave "
            "these cells out, or pass a list of labels"
        )
    return found
