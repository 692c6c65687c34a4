"""What linear baselines read of an example: expression and types of exactly the cells that its prompt shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import anndata as ad
import numpy as np
from numpy.typing import NDArray

from benchmarks._response_sets import log_normalised
from benchmarks._spatial_niches import one_hot
from sc_duality.tasks import TrainingExample

Sentences = Sequence[Sequence[str]]


class Side(NamedTuple):
    """Training or test examples of a task, with the cells that each shows."""

    examples: list[TrainingExample]
    #: Rows of the cells of each prompt.
    rows: list[list[int]]
    #: log1p(counts per 10,000), (n_obs, n_vars), and whether each cell is of each type, (n_obs, n_types).
    expression: NDArray[np.float64]
    types: NDArray[np.float64]

    @property
    def truth(self) -> list[str]:
        """The true answers."""
        return [one.example.truth for one in self.examples]

    def mean_expression(self) -> NDArray[np.float64]:
        """Mean over the cells of a prompt, (n_examples, n_vars)."""
        return np.array([self.expression[rows].mean(0) for rows in self.rows])

    def mean_and_spread(self) -> NDArray[np.float64]:
        """Mean and standard deviation over the cells of a prompt, (n_examples, 2 n_vars)."""
        spread = np.array([self.expression[rows].std(0) for rows in self.rows])
        return np.hstack([self.mean_expression(), spread])

    def composition(self) -> NDArray[np.float64]:
        """Share of each type among the cells of a prompt, (n_examples, n_types)."""
        return np.array([self.types[rows].mean(0) for rows in self.rows])


def side(examples: list[TrainingExample], cells: ad.AnnData, sentences: Sentences, types: list[str]) -> Side:
    """The examples with the cells that they show, found by ``sentences``, those of all cells in order."""
    rows = rows_of((shown_cells(one) for one in examples), sentences)
    return Side(examples, rows, log_normalised(cells), one_hot(cells, types))


def shown_cells(one: TrainingExample) -> tuple[tuple[str, ...], ...]:
    """The genes of the cells of a prompt."""
    example = one.example
    cells = example.cells if hasattr(example, "cells") else (example.genes, *example.neighbours)
    return tuple(map(tuple, cells))


def rows_of(groups: Iterable[Sentences], sentences: Sentences) -> list[list[int]]:
    """The row of every shown cell: that with its sentence, or with a longer one that begins like it."""
    index: dict[tuple[str, ...], int] = {}
    whole = [tuple(genes) for genes in sentences]
    for row, genes in enumerate(whole):
        index.setdefault(genes, row)
    for row, genes in enumerate(whole):
        for end in range(1, len(genes)):
            index.setdefault(genes[:end], row)
    return [[index[tuple(genes)] for genes in group] for group in groups]
