"""Generation of a neighbour of given cells."""

from __future__ import annotations

from dataclasses import dataclass

from ._cell_group import CellGroupExample, HiddenPart, check_hidden
from ._gene_answers import GeneList, GeneLists
from ._neighbourhood import NeighbourhoodTask


@dataclass(frozen=True, kw_only=True)
class NeighbourGenerationExample(CellGroupExample):
    """Cells of a neighbourhood; another cell of it is generated.

    Parameters
    ----------
    n_genes
        Length of the sentence of the generated cell at most.
    cells, options, observed, hidden_genes, truth, context
        See :class:`CellGroupExample`; the truth is the sentence of a real cell of the neighbourhood.
    """

    n_genes: int


@dataclass(frozen=True, kw_only=True, eq=False)
class NeighbourGeneration(NeighbourhoodTask):
    """Cells of a neighbourhood → another cell of it; dual: that cell and observed cells → hidden genes or cells.

    The task "conditional neighbor generation" of C2S-Scale (§2.5, §4.7.7). The dual is ours.

    Parameters
    ----------
    hidden
        What the dual task reconstructs: ``"genes"`` of every cell, or whole ``"cells"``.
    radius, spatial_key, library_key, connectivity_key, n_cells, n_genes, prompt_format, vocabulary
        See :class:`NeighbourhoodTask`; ``n_cells`` counts the generated cell too.

    Examples
    --------
    >>> from sc_duality.tasks import NeighbourGeneration, NeighbourGenerationExample
    >>> task = NeighbourGeneration(prompt_format="compact")
    >>> task.question(NeighbourGenerationExample(cells=(("CD79A", "MS4A1"), ("CD3E",)), n_genes=2)).prompt
    '<neighbour> <1> CD79A MS4A1 <2> CD3E <cell>'
    """

    name = "neighbour_generation"

    hidden: HiddenPart = "genes"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_hidden(self.hidden)
        if self.n_cells < 2:
            raise ValueError(
                f"n_cells={self.n_cells}: the task {self.name!r} needs a cell and its neighbour, pass 2 to 20"
            )

    def answer_type(self, example: NeighbourGenerationExample) -> GeneList:
        """The genes of the generated cell."""
        return GeneList(self.vocabulary, example.n_genes)

    def dual_answer_type(self, example: NeighbourGenerationExample) -> GeneLists:
        """The hidden genes of each cell that lacks some."""
        return GeneLists(self.vocabulary, tuple(map(len, example.hidden)))
