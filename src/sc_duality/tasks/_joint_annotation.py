"""Joint annotation: a batch of cells is labelled together, each candidate label once (Cell-o1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .._validation import fraction, positive_integer
from ._answer_types import AnswerType
from ._assignments import Assignment, FreeNames
from ._cell_group import CellGroupExample
from ._gene_answers import GeneLists
from ._task import Task


@dataclass(frozen=True, kw_only=True)
class JointAnnotationExample(CellGroupExample):
    """A batch of cells of one donor, or of clusters of cells, each of another type.

    Parameters
    ----------
    cells
        Cell sentences that the model reads, highest expression first.
    options
        Candidate labels in any order, at least as many as cells; none to name the types freely.
    markers
        Differentially expressed genes of each cluster, best first.
    n_cells
        Number of cells of each cluster; nothing where the batch is of single cells.
    observed
        Genes of each cell that the dual task shows.
    hidden_genes
        Genes of each cell that the dual task reconstructs.
    truth
        The label of each cell, where it is known.
    context
        Facts that hold for all cells, such as donor and tissue.
    """

    markers: tuple[tuple[str, ...], ...] = ()
    n_cells: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.options and len(self.options) < len(self.cells):
            raise ValueError(
                f"joint annotation takes a label for each cell, got {len(self.options)} for {len(self.cells)} cells"
            )
        split = [label for label in self.options if "|" in label]
        if split:
            raise ValueError(f"the labels {split} hold '|', which separates the labels of a batch: rename them")
        if self.truth is not None and (
            len(self.truth) != len(self.cells) or (self.options and Counter(self.truth) - Counter(self.options))
        ):
            raise ValueError(
                f"the truth {list(self.truth)} does not give each of {len(self.cells)} cells another of the labels "
                f"{list(self.options)}"
            )

    @property
    def hidden(self) -> tuple[tuple[str, ...], ...]:
        """The genes of each cell that the dual task reconstructs."""
        return self.hidden_genes

    @property
    def has_hidden(self) -> bool:
        """Whether a gene of any cell is hidden."""
        return any(self.hidden_genes)


@dataclass(frozen=True, kw_only=True, eq=False)
class JointAnnotation(Task):
    """Batch of cells → one label each; dual: labels → the hidden genes of each cell.

    The question is that of Cell-o1 (§4.1, table 1); the dual is ours, after CellDuality's inpainting.

    Parameters
    ----------
    truth
        ``obs`` column with the true labels.
    groupby
        ``obs`` column whose cells make up batches together, such as ``"donor"``, or columns whose values together do;
        all cells by default.
    n_cells
        Cells of a batch at most, 2 or more.
    hidden_fraction
        Fraction of the genes of each cell that the dual task reconstructs in SFT: 1 reconstructs them from the labels
        alone, 0 trains no dual task, as in Cell-o1.
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import JointAnnotation, JointAnnotationExample
    >>> task = JointAnnotation(prompt_format="cell-o1")
    >>> example = JointAnnotationExample(cells=(("CD79A",), ("CD3E",)), options=("T cell", "B cell"))
    >>> task.question(example).parse("<think>CD3E: T cell.</think><answer>B cell | T cell</answer>").value
    ('B cell', 'T cell')
    """

    name = "joint_annotation"
    version = 3

    truth: str | None = None
    groupby: str | Sequence[str] = ()
    n_cells: int = 8
    hidden_fraction: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if positive_integer("n_cells", self.n_cells) < 2:
            raise ValueError("n_cells=1: the task 'joint_annotation' tells cells apart, pass 2 or more")
        fraction("hidden_fraction", self.hidden_fraction, whole=True)

    def answer_type(self, example: JointAnnotationExample) -> AnswerType:
        """One label a cell, or one name a cell in the model's own words."""
        n_cells = len(example.cells)
        if not example.options:
            return FreeNames(n_cells)
        return Assignment(example.options, n_cells, self.template.label(example.options).texts)

    def dual_answer_type(self, example: JointAnnotationExample) -> GeneLists:
        """The hidden genes of each cell."""
        return GeneLists(self.vocabulary, tuple(map(len, example.hidden_genes)))
