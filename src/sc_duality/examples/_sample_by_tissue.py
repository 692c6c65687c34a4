"""Examples of the generation of a sample by its tissue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import SampleByTissue, SampleGenerationExample
from ._sample_generation import SampleGenerationExamples


class SampleByTissueExamples(SampleGenerationExamples):
    """Examples of the generation of a sample by its tissue."""

    task_class = SampleByTissue

    @cached_property
    def _tissues(self) -> NDArray[Any]:
        if self.task.truth is None:
            raise ValueError(
                f"the task {self.task.name!r} needs the obs column with the tissues: pass "
                f"tasks={{{self.task.name!r}: {{'truth': 'tissue', 'groupby': 'sample'}}}}"
            )
        return self.cells.column(self.task.truth, "truth")

    def values(self) -> NDArray[Any]:
        """The tissue of each cell."""
        return self._tissues

    def options(self) -> tuple[str, ...]:
        """All tissues."""
        return tuple(sorted({one for one in self._tissues if one is not None}))

    def further_tokens(self) -> int:
        """Tokens of the tissues in the dual prompt."""
        return sum(map(len, self.options())) + 8

    @cached_property
    def sample_of_cell(self) -> NDArray[Any]:
        """Cells of one sample and tissue (C2S-Scale, table 1)."""
        pairs = zip(self.cell_groups.group_of_cell, self._tissues, strict=True)
        return np.array([None if group is None else f"{group} | {tissue}" for group, tissue in pairs], dtype=object)

    def sample_example(
        self, rows: Sequence[int], n_genes: tuple[int, ...], truth: Any, context: Mapping[str, str]
    ) -> SampleGenerationExample:
        """Cells of a tissue."""
        tissue = str(self._tissues[rows[0]])
        return SampleGenerationExample(
            condition=tissue, n_genes=n_genes, options=self.options(), truth=truth, context=context
        )
