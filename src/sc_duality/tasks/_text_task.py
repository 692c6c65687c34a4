"""Tasks whose answer is text about a group of cells, and whose dual reads the cell type out of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._validation import positive_integer
from ._answer_types import Label
from ._cell_group import CellGroupExample, check_n_cells
from ._free_text import FreeText
from ._task import Task


@dataclass(frozen=True, kw_only=True)
class TextExample(CellGroupExample):
    """A group of cells that a text is about.

    Parameters
    ----------
    cells
        Cell sentences that the model reads, highest expression first.
    n_cells
        Number of cells of the group.
    length
        Words that the prompt requests.
    markers
        Differentially expressed genes of the group, best first.
    cell_type
        The most frequent type of the cells, which the dual task reads out of the text.
    options
        Cell types that the dual task chooses from.
    truth, context
        See :class:`Example`.

    Examples
    --------
    >>> from sc_duality.tasks import TextExample
    >>> TextExample(cells=(("CD79A",),), n_cells=90, length=40, cell_type="B cell", options=("B cell", "T cell")).hidden
    'B cell'
    """

    n_cells: int
    length: int
    markers: tuple[str, ...] = ()
    cell_type: str | None = None

    @property
    def hidden(self) -> Any:
        """The cell type."""
        return self.cell_type


@dataclass(frozen=True, kw_only=True, eq=False)
class TextTask(Task):
    """Group of cells → text; dual: text → the most frequent cell type of the group.

    Parameters
    ----------
    groupby
        ``obs`` column of the groups, or several whose values together make a group; all cells by default.
    truth
        Reference texts: an ``obs`` column, or a mapping, Series or table from the groups to texts.
    cell_type
        ``obs`` column with the cell types that the dual task reads out of the text.
    n_cells
        Cells of a group in a prompt at most, up to 20.
    length
        Words that a prompt requests. A text of more than twice as many cannot be read.
    prompt_format, vocabulary
        See :class:`Task`.
    """

    groupby: str | Sequence[str] | None = None
    truth: Any = None
    cell_type: str | None = None
    n_cells: int = 20
    length: int = 60

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_integer("length", self.length)
        check_n_cells(self.n_cells)

    def settings(self) -> dict[str, Any]:
        """Settings of this task alone, which results keep."""
        return {}

    def answer_type(self, example: TextExample) -> FreeText:
        """Text."""
        return FreeText(2 * example.length)

    def dual_answer_type(self, example: TextExample) -> Label:
        """One of the cell types."""
        return self.template.label(example.options)
