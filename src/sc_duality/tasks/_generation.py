"""Conditional generation of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ._answer_types import Label
from ._gene_answers import GeneList
from ._task import Example, Task


@dataclass(frozen=True, kw_only=True)
class GenerationExample(Example):
    """A cell to generate.

    Parameters
    ----------
    cell_type
        The type of the cell, which the dual task reconstructs.
    options
        Cell types that the dual task chooses from; ``cell_type`` is one of them.
    n_genes
        Length of the cell sentence.
    truth
        The sentence of a real cell of that type, where there is one.
    context
        Facts such as tissue and organism.
    """

    cell_type: str
    options: tuple[str, ...]
    n_genes: int = 100

    def __post_init__(self) -> None:
        if self.cell_type not in self.options:
            raise ValueError(f"the cell type {self.cell_type!r} is not one of the options {list(self.options)}")
        if self.n_genes < 1:
            raise ValueError(f"n_genes must be a positive integer, got {self.n_genes!r}")

    @property
    def hidden(self) -> str:
        """The cell type."""
        return self.cell_type


@dataclass(frozen=True, kw_only=True, eq=False)
class Generation(Task):
    """Cell type → cell sentence; dual: the type of the generated cell (CellDuality §3.4.1, equation 2).

    Parameters
    ----------
    truth
        ``obs`` column with cell types, for training and evaluation.
    labels
        Cell types to generate and to choose from; by default what the model knows, else the values of ``truth``.
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import Generation, GenerationExample
    >>> task = Generation(prompt_format="compact")
    >>> example = GenerationExample(cell_type="B cell", options=("B cell", "T cell"), context={"tissue": "blood"})
    >>> task.question(example).prompt, task.dual(example, ("CD79A", "MS4A1")).prompt
    ('<generate> <blood> <type> B_cell <cell>', '<annotate> <cell> CD79A MS4A1 <type>')
    """

    name = "generation"
    version = 2

    truth: str | None = None
    labels: Sequence[str] | str | None = None

    def answer_type(self, example: GenerationExample) -> GeneList:
        """A cell sentence."""
        return GeneList(self.vocabulary, example.n_genes)

    def dual_answer_type(self, example: GenerationExample) -> Label:
        """One of the cell types."""
        return self.template.label(example.options)
