"""Examples of the generation of a sample by its cell types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from ..tasks import SampleByCellTypes, SampleByCellTypesExample
from ._annotation import trained_cell_types, true_cell_types
from ._sample_generation import SampleGenerationExamples


class SampleByCellTypesExamples(SampleGenerationExamples):
    """Examples of the generation of a sample by the cell type of each cell."""

    task_class = SampleByCellTypes

    @cached_property
    def _truth(self) -> tuple[NDArray[Any], tuple[str, ...]]:
        """The type of each cell in the model's names, ``None`` where missing, and all types."""
        if self.task.truth is None:
            raise ValueError(
                f"the task {self.task.name!r} needs the obs column with the cell types: pass "
                f"tasks={{{self.task.name!r}: {{'truth': 'cell_type', 'groupby': 'sample'}}}}"
            )
        return true_cell_types(self.cells, self.task.truth)

    def values(self) -> NDArray[Any]:
        """The type of each cell."""
        return self._truth[0]

    def options(self) -> tuple[str, ...]:
        """All types."""
        return self._truth[1]

    def cell_types(self) -> list[str]:
        """Cell types that are trained."""
        return trained_cell_types(self.cells, self.task.truth, None)

    def further_tokens(self) -> int:
        """Tokens of the types in the prompt, one a cell, and of the options in the dual prompt."""
        options = self.options()
        return self.task.n_cells + (0 if self.cells.spec.genes is not None else 8 * (self.task.n_cells + len(options)))

    def sample_example(
        self, rows: Sequence[int], n_genes: tuple[int, ...], truth: Any, context: Mapping[str, str]
    ) -> SampleByCellTypesExample:
        """Cells of a sample with the type of each."""
        types = tuple(self._truth[0][list(rows)])
        return SampleByCellTypesExample(
            condition=types, n_genes=n_genes, options=self.options(), truth=truth, context=context
        )
