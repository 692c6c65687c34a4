"""What the tasks that generate several cells of a sample share: the cells that are asked for, and by what."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._validation import is_missing, positive_integer
from ._answer_types import AnswerType
from ._cell_group import check_n_cells
from ._cell_sentences import CellSentences
from ._task import Example, Task


@dataclass(frozen=True, kw_only=True)
class SampleGenerationExample(Example):
    """A sample of cells to generate.

    Parameters
    ----------
    condition
        What is known of the sample: its tissue, its cell types, or a text. ``None`` where nothing is known.
    n_genes
        Length of the sentence of each cell.
    options
        Labels that the dual task chooses from; none where it answers in words.
    truth
        The sentences of real cells of such a sample, where there are any.
    context
        Facts such as the organism.
    """

    condition: Any = None
    n_genes: tuple[int, ...]
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.n_genes or min(self.n_genes) < 1:
            raise ValueError(f"n_genes must hold a positive integer for each cell, got {self.n_genes!r}")

    @property
    def hidden(self) -> Any:
        """The condition."""
        return self.condition


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleGeneration(Task):
    """A condition → several cells of one sample; dual: the condition from the cells (C2S-Scale, table 1).

    Parameters
    ----------
    truth
        ``obs`` column of the condition, for training.
    groupby
        ``obs`` column of the samples, or columns whose values together make a sample.
    n_cells
        Cells of a sample at most, up to 20. In training their number varies.
    n_genes
        Genes of each cell at most; by default as many as fit into the context of the model.
    prompt_format, vocabulary
        See :class:`Task`.
    """

    truth: str | None = None
    groupby: str | Sequence[str] = ()
    n_cells: int = 20
    n_genes: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_n_cells(self.n_cells)
        if self.n_genes is not None:
            positive_integer("n_genes", self.n_genes)

    def answer_type(self, example: SampleGenerationExample) -> CellSentences:
        """The sentence of each cell."""
        return CellSentences(self.vocabulary, example.n_genes)

    def request(
        self, condition: Any, n_cells: int, n_genes: int, context: Mapping[str, str]
    ) -> SampleGenerationExample:
        """The example of a sample that a user asks for, or an error if the condition is not a text."""
        if not isinstance(condition, str) or is_missing(condition):
            raise ValueError(f"a sample of the task {self.name!r} is described by a text, got {condition!r}")
        n = check_n_cells(n_cells)
        return SampleGenerationExample(
            condition=condition, n_genes=(n_genes,) * n, options=(condition,), context=context
        )

    @abstractmethod
    def dual_answer_type(self, example: SampleGenerationExample) -> AnswerType:
        """What the condition may be."""
