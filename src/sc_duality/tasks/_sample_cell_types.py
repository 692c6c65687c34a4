"""The cell types of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ._cell_group import CellGroupExample, HiddenPart, check_group_settings
from ._gene_answers import GeneLists
from ._label_set import LabelSet
from ._task import Task


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleCellTypes(Task):
    """Cells of a sample → the set of their cell types; dual: cell types and observed cells → hidden genes or cells.

    The task "sample cell type(s) annotation" of C2S-Scale (table 1). Its answer is read as a set: the order of the
    types does not count, and a type of several cells is named once. The dual is ours; with the cell types alone and all
    cells hidden, it is the paper's "conditional sample generation (cell type)".

    Parameters
    ----------
    truth
        ``obs`` column with the true cell types.
    labels
        Cell types to choose from: a list, an ``obs`` column or a label set. By default what the model knows, else the
        values of ``truth``.
    groupby
        ``obs`` column of the samples, or columns whose values together make a sample.
    n_cells, n_genes, hidden
        See :class:`SampleLabel`.
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import CellGroupExample, SampleCellTypes
    >>> cells = (("CD79A", "MS4A1"), ("CD3E", "IL7R"))
    >>> example = CellGroupExample(cells=cells, options=("B cell", "natural killer cell", "T cell"))
    >>> SampleCellTypes().question(example).parse("<answer>T cell | B cell</answer>").value
    ('B cell', 'T cell')
    """

    name = "sample_cell_types"

    truth: str | None = None
    labels: Sequence[str] | str | None = None
    groupby: str | Sequence[str] = ()
    n_cells: int = 20
    n_genes: int | None = None
    hidden: HiddenPart = "genes"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_group_settings(self.n_cells, self.n_genes, self.hidden)

    def answer_type(self, example: CellGroupExample) -> LabelSet:
        """A set of the example's options, no more than a prompt may have cells."""
        texts = self.template.label(example.options).texts
        return LabelSet(example.options, texts, self.n_cells)

    def dual_answer_type(self, example: CellGroupExample) -> GeneLists:
        """The hidden genes of each cell that lacks some."""
        return GeneLists(self.vocabulary, tuple(map(len, example.hidden)))
