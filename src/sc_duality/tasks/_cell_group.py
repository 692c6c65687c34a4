"""What tasks on groups of cells share: the cells of a prompt and what the dual task hides of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from .._validation import choice, positive_integer
from ._task import Example

#: Cells of a prompt at most (C2S-Scale §4.2).
MAX_CELLS = 20
#: What the dual task reconstructs: genes of every cell, or whole cells.
HiddenPart = Literal["genes", "cells"]


@dataclass(frozen=True, kw_only=True)
class CellGroupExample(Example):
    """A group of cells, such as cells of one sample.

    Parameters
    ----------
    cells
        Cell sentences that the model reads, highest expression first.
    options
        Labels to choose from; none where the task has no labels, or any name is an answer.
    observed
        Genes of each cell that the dual task shows; none of a hidden cell.
    hidden_genes
        Genes of each cell that the dual task reconstructs; none of a cell that it shows whole.
    truth, context
        See :class:`Example`.

    Examples
    --------
    >>> from sc_duality.tasks import CellGroupExample
    >>> cells = (("CD79A", "MS4A1"), ("CD3E", "IL7R"))
    >>> CellGroupExample(cells=cells, observed=(cells[0], ()), hidden_genes=((), cells[1])).hidden
    (('CD3E', 'IL7R'),)
    """

    cells: tuple[tuple[str, ...], ...]
    options: tuple[str, ...] = ()
    observed: tuple[tuple[str, ...], ...] = ()
    hidden_genes: tuple[tuple[str, ...], ...] = ()

    @property
    def hidden(self) -> tuple[tuple[str, ...], ...]:
        """The genes that the dual task reconstructs, of each cell that lacks some."""
        return tuple(genes for genes in self.hidden_genes if genes)


def check_n_cells(n_cells: int) -> int:
    """The number of cells of a prompt as an int, or an error if it is not from 1 to 20.

    Examples
    --------
    >>> from sc_duality.tasks import check_n_cells
    >>> check_n_cells(20)
    20
    """
    if positive_integer("n_cells", n_cells) > MAX_CELLS:
        raise ValueError(f"n_cells={n_cells}: a prompt shows at most {MAX_CELLS} cells, pass 1 to {MAX_CELLS}")
    return int(n_cells)


def check_group_settings(n_cells: int, n_genes: int | None, hidden: str) -> None:
    """Refuse numbers of cells and genes of a prompt that cannot be, and hidden parts other than genes and cells."""
    check_n_cells(n_cells)
    if n_genes is not None:
        positive_integer("n_genes", n_genes)
    check_hidden(hidden)


def check_hidden(hidden: str) -> None:
    """Refuse hidden parts other than genes and cells."""
    choice("hidden", hidden, get_args(HiddenPart))
