"""Examples of language modelling: every cell, or several cells of a sample, without a condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import CellLanguageModelling, SampleGenerationExample, SampleLanguageModelling, TrainingExample
from ._examples import Examples, Pool, every_row, shown_genes
from ._sample_generation import SampleGenerationExamples


class CellLanguageModellingExamples(Examples):
    """Every cell is an example."""

    task_class = CellLanguageModelling
    about_cells = False
    augmentable = False

    @property
    def has_truth(self) -> bool:
        """Real cells are what is generated."""
        return True

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Cells that the model can read."""
        found = np.flatnonzero(rows & self.cells.readable)
        return Pool(found, np.ones(len(found)), self._example)

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Every cell once, in random order, then again."""
        rows = every_row(np.flatnonzero(self.cells.readable), n, rng)
        genes = [shown_genes(self.cells, row, rng, augment=augment) for row in rows]
        return [self._example(*pair, rng, with_truth=with_truth) for pair in zip(rows, genes, strict=True)]

    def _example(
        self, row: int, genes: list[str], rng: np.random.Generator, *, with_truth: bool = True
    ) -> TrainingExample:
        example = SampleGenerationExample(
            n_genes=(len(genes),), truth=tuple(genes) if with_truth else None, context=self.cells.context([row])[0]
        )
        return TrainingExample(self.task, example)


class SampleLanguageModellingExamples(SampleGenerationExamples):
    """Several cells of a sample are an example."""

    task_class = SampleLanguageModelling

    def values(self) -> NDArray[Any]:
        """Nothing needs to be known."""
        return np.full(len(self.cells), "", dtype=object)

    def sample_example(
        self, rows: Sequence[int], n_genes: tuple[int, ...], truth: Any, context: Mapping[str, str]
    ) -> SampleGenerationExample:
        """Cells of a sample."""
        return SampleGenerationExample(n_genes=n_genes, truth=truth, context=context)
