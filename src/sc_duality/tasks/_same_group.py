"""Whether several cells belong together: what the tasks with the answers yes and no share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ._cell_group import CellGroupExample, HiddenPart, check_hidden
from ._gene_answers import GeneLists
from ._label_task import LabelTask
from ._neighbourhood import NeighbourhoodTask
from ._yes_no import NO, YES


@dataclass(frozen=True, kw_only=True, eq=False)
class SameGroup(NeighbourhoodTask, LabelTask):
    """Several cells → whether they belong together; dual: answer and observed cells → hidden genes or cells.

    Parameters
    ----------
    cell_type
        ``obs`` column with the types of the cells, for training: half of the cells that do not belong together are
        matched to cells that do, type by type, so that the types alone do not tell the answer.
    groupby
        For prediction: ``obs`` column of the groups of cells, or columns whose values together make a group.
    hidden
        What the dual task reconstructs: ``"genes"`` of every cell, or whole ``"cells"``.
    labels
        ``("yes", "no")``, which cannot be changed.
    truth
        See the task.
    radius, spatial_key, library_key, connectivity_key, n_cells, n_genes, prompt_format, vocabulary
        See :class:`NeighbourhoodTask`. Prompts of training show 2 cells or more.
    """

    cell_type: str | None = None
    groupby: str | Sequence[str] = ()
    hidden: HiddenPart = "genes"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_hidden(self.hidden)
        if self.n_cells < 2:
            raise ValueError(f"n_cells={self.n_cells}: the task {self.name!r} compares cells, pass 2 to 20")
        if self.labels is not None and (isinstance(self.labels, str) or set(self.labels) != {YES, NO}):
            raise ValueError(f"labels={self.labels!r}: the task {self.name!r} answers 'yes' or 'no', leave labels= out")

    def dual_answer_type(self, example: CellGroupExample) -> GeneLists:  # type: ignore[override]
        """The hidden genes of each cell that lacks some."""
        return GeneLists(self.vocabulary, tuple(map(len, example.hidden)))
