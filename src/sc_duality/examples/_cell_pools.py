"""Cells of each sample, and of each cell type in it, to sample from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Which of these rows may be sampled.
Accepts = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
#: Rows that are drawn for one that is needed, and how often, before all rows are looked at.
_DRAWN, _TRIES = 4, 4


class CellPools:
    """Cells of each sample, and of each cell type in it, to sample from.

    Parameters
    ----------
    samples
        Sample of each cell, ``None`` where it is in none.
    types
        Cell type of each cell, ``None`` where missing; without them, cells are not matched.
    usable
        Cells that may be sampled, (n_obs,).

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.examples._cell_pools import CellPools
    >>> types = np.array(["B", "T", "B", "T"], dtype=object)
    >>> pools = CellPools(np.array(["s"] * 4, dtype=object), types, np.ones(4, dtype=bool))
    >>> pools.sample_like(0, [1], lambda rows: rows > 1, np.random.default_rng(0))
    [3]
    """

    def __init__(self, samples: NDArray[Any], types: NDArray[Any] | None, usable: NDArray[np.bool_]) -> None:
        self._samples, self.types = samples, types
        rows = np.flatnonzero(usable & (samples != None))  # noqa: E711
        self._rows = _grouped(rows, [samples[rows]])
        self._by_type = {} if types is None else _grouped(rows, [samples[rows], types[rows]])

    def sample(self, row: int, n: int, accepts: Accepts, rng: np.random.Generator) -> list[int]:
        """Up to ``n`` random cells of the sample of the cell ``row``, other than it."""
        pool = self._rows.get((self._samples[row],), _EMPTY)
        return _accepted(pool, n, lambda rows: (rows != row) & accepts(rows), rng)

    def sample_like(self, row: int, others: Sequence[int], accepts: Accepts, rng: np.random.Generator) -> list[int]:
        """For each of ``others`` a random cell of its type in the sample of the cell ``row``.

        Where a type has too few cells, cells of any type stand in.
        """
        types: Any = self.types
        found: list[int] = []
        for kind, n in Counter(types[list(others)].tolist()).items():
            pool = self._by_type.get((self._samples[row], kind), _EMPTY)
            found += _accepted(pool, n, lambda rows: (rows != row) & accepts(rows), rng)
        missing = len(others) - len(found)
        taken = np.array(found, dtype=np.int64)
        return found + self.sample(row, missing, lambda rows: accepts(rows) & ~np.isin(rows, taken), rng)

    def n_others(self, row: int) -> int:
        """Number of other cells of the sample of the cell ``row``."""
        return len(self._rows.get((self._samples[row],), _EMPTY)) - 1


_EMPTY = np.array([], dtype=np.int64)


def _grouped(rows: NDArray[np.int64], names: Sequence[NDArray[Any]]) -> dict[tuple[Any, ...], NDArray[np.int64]]:
    """Rows by their names; a missing name is one of its own."""
    table = pd.DataFrame({str(i): values for i, values in enumerate(names)}, dtype=object)
    groups = table.groupby(list(table), dropna=False, sort=False).indices
    return {_key(name): rows[np.sort(at)] for name, at in groups.items()}


def _key(name: Any) -> tuple[Any, ...]:
    values = name if isinstance(name, tuple) else (name,)
    return tuple(None if value != value else value for value in values)


def _accepted(pool: NDArray[np.int64], n: int, accepts: Accepts, rng: np.random.Generator) -> list[int]:
    """Up to ``n`` random rows of a pool; most of a large pool is not looked at."""
    if n < 1 or not len(pool):
        return []
    for _ in range(_TRIES):
        if len(pool) < 2 * _DRAWN * n:
            break
        drawn = rng.choice(pool, _DRAWN * n, replace=False)
        kept = drawn[accepts(drawn)]
        if len(kept) >= n:
            return [int(row) for row in kept[:n]]
    kept = pool[accepts(pool)]
    return [int(row) for row in rng.choice(kept, min(n, len(kept)), replace=False)]
