"""Groups of cells as units: the cells and genes of a group that a prompt shows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..tasks import check_n_cells
from ._examples import cell_rng, groups
from ._model_cells import ModelCells

logger = logging.getLogger(__name__)

#: In training, the fewest cells and genes of an example, as a part of those in a prompt of the most (C2S-Scale §4.2:
#: the number of genes varies slightly, so that no number of cells tells it).
_LEAST_CELLS, _LEAST_GENES = 0.25, 0.8
#: Name of the group of all cells.
_ALL = "all cells"


class CellGroups:
    """Groups of cells, such as samples. A prompt shows up to 20 cells of a group.

    The number of genes of each cell is the largest that fits into the context of the model
    (:meth:`sc_duality.models.ModelSpec.genes_per_cell`).

    Parameters
    ----------
    cells
        The cells as the model reads them.
    groupby
        ``obs`` column of the groups, or columns whose values together make a group, such as ``["donor", "batch"]``;
        ``None`` makes all cells one group, ``"all cells"``.
    n_cells
        Cells of a group in a prompt at most, up to 20.
    n_genes
        Genes of each cell; by default as many as fit.
    further
        Tokens of a prompt and its completion that are not of cells, such as of an answer in English.

    Raises
    ------
    KeyError
        A column is not in ``obs``.
    ValueError
        ``n_cells`` is not from 1 to 20, not even one gene of each cell fits, or no cell is in a group.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import CellGroups, ModelCells
    >>> cells = ModelCells(sd.datasets.pbmc3k(), sd.models.resolve("embedded"))
    >>> groups = CellGroups(cells, "cell_type", n_cells=5, n_genes=40)
    >>> sentences = groups.sentences(groups.sample("B cells", rng=0))
    >>> len(sentences), len(sentences[0])
    (5, 40)
    """

    def __init__(
        self,
        cells: ModelCells,
        groupby: str | Sequence[str] | None,
        *,
        n_cells: int = 20,
        n_genes: int | None = None,
        further: int = 0,
    ) -> None:
        self.cells, self.n_cells = cells, check_n_cells(n_cells)
        self.columns = [groupby] if isinstance(groupby, str) else list(groupby or ())
        self._n_genes, self._further = n_genes, further
        #: Name of the group of each cell, ``None`` where a value is missing.
        self.group_of_cell = _named(cells, None if groupby is None else self.columns)
        self.n_genes(self.n_cells)
        if not self.rows:
            raise ValueError(f"groupby={groupby!r} names no group: all of its values are missing")

    @cached_property
    def rows(self) -> dict[str, NDArray[np.int64]]:
        """Rows of each group by its name, in the order of the names; cells without a group are in none."""
        values = pd.Series(self.group_of_cell)
        found: dict[str, NDArray[np.int64]] = dict(values.groupby(values).indices)
        return {name: np.asarray(found[name]) for name in sorted(found)}

    @cached_property
    def unit_of_cell(self) -> NDArray[np.int64]:
        """Index of the group of each cell, −1 where it is in none."""
        return pd.Index(list(self.rows)).get_indexer(pd.Index(self.group_of_cell))

    def n_genes(self, n_cells: int) -> int:
        """Genes of each of so many cells of a prompt."""
        fitting = min(self.cells.n_genes, self.cells.spec.genes_per_cell(n_cells, self._further))
        return fitting if self._n_genes is None else min(self._n_genes, fitting)

    def sample(self, name: str, rng: int) -> list[int]:
        """Rows of up to ``n_cells`` random cells of a group that the model can read, in the order of the data.

        They depend on the seed and the group's name, not on other groups; none if the model can read no cell.
        """
        rows = self.rows[name]
        rows = rows[self.cells.readable[rows]]
        if len(rows) > self.n_cells:
            rows = np.sort(cell_rng(rng, "sampled", name).choice(rows, self.n_cells, replace=False))
        return [int(row) for row in rows]

    def sentences(self, rows: Sequence[int]) -> tuple[tuple[str, ...], ...]:
        """The genes of these cells of one prompt, highest expression first."""
        if not len(rows):
            return ()
        return tuple(map(tuple, self.cells.genes(rows, n_genes=self.n_genes(len(rows)))))

    def context(self, rows: Sequence[int]) -> dict[str, str]:
        """The facts that all of these cells share."""
        facts = self.cells.context(rows)
        return {
            name: value
            for name, value in (facts[0] if facts else {}).items()
            if all(one.get(name) == value for one in facts)
        }

    def training_cells(
        self, row: int, genes: Sequence[str], members: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[list[int], tuple[tuple[str, ...], ...]]:
        """Rows and sentences of a training example: the cell ``row`` and random others of its group, in random order.

        The number of cells varies, and that of genes slightly.

        Parameters
        ----------
        row
            The cell that the example starts from.
        genes
            Its sentence, which may be augmented.
        members
            Rows of readable cells of its group that may be shown.
        rng
            Random numbers.
        """
        n_cells = random_size(min(self.n_cells, len(members)), 1, rng)
        others = rng.choice(members[members != row], n_cells - 1, replace=False).tolist()
        return self.training_sentences(row, genes, others, rng)

    def training_sentences(
        self,
        row: int,
        genes: Sequence[str],
        others: Sequence[int],
        rng: np.random.Generator,
        *,
        n_generated: int = 0,
    ) -> tuple[list[int], tuple[tuple[str, ...], ...]]:
        """Rows and sentences of the cell ``row`` and these others in random order; the number of genes varies slightly.

        ``genes`` is the sentence of the cell, which may be augmented; ``n_generated`` further cells need the context
        of the model too.
        """
        n_genes = self.n_genes(1 + len(others) + n_generated)
        n_genes = int(rng.integers(max(1, round(_LEAST_GENES * n_genes)), n_genes + 1))
        sentences = [tuple(genes)[:n_genes], *map(tuple, self.cells.genes(others, n_genes=n_genes))]
        rows = [row, *map(int, others)]
        order = rng.permutation(len(rows))
        return [rows[i] for i in order], tuple(sentences[i] for i in order)

    def log(self) -> None:
        """Log how many cells and genes a prompt shows."""
        logger.info(
            "%d groups, up to %d cells of each in a prompt: %d genes a cell for a context of %d tokens",
            *(len(self.rows), self.n_cells, self.n_genes(self.n_cells), self.cells.spec.context_length),
        )


def random_size(most: int, least: int, rng: np.random.Generator) -> int:
    """Number of cells of a training example: from a quarter of ``most``, and ``least``, to ``most``."""
    return int(rng.integers(max(least, round(_LEAST_CELLS * most)), most + 1))


def members_of(names: NDArray[Any], usable: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
    """Usable rows of each group by its name, from the name of the group of each cell; ``None`` is in none."""
    rows = np.flatnonzero(usable & (names != None))  # noqa: E711
    indices = pd.Series(names[rows]).groupby(names[rows]).indices
    return {str(name): rows[at] for name, at in indices.items()}


def _named(cells: ModelCells, columns: Sequence[str] | None) -> NDArray[np.object_]:
    """The values of the columns together; ``None`` where one is missing."""
    if columns is None:
        return np.full(len(cells), _ALL, dtype=object)
    if not columns:
        raise ValueError("groupby=[] names no column: pass an obs column, such as 'sample'")
    return groups(cells, columns, "groupby")
