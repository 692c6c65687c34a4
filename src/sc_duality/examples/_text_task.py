"""Examples of tasks whose answer is text about a group of cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..duality import Duality
from ..models import ModelSpec
from ..tasks import TextExample, TextTask, TrainingExample
from ._cell_groups import CellGroups, members_of
from ._examples import Examples, Pool, every_row, shown_genes
from ._group_facts import group_context
from ._model_cells import ModelCells
from ._reference_texts import Reference, reference_texts

#: Tokens of a prompt for facts about the cells, the genes of a cluster and a question.
_FURTHER_TOKENS = 400


class TextExamples(Examples):
    """Examples of texts about groups of cells.

    A model with gene symbols as tokens, such as the embedded one, has no English and is refused.
    """

    task: TextTask
    task_class = TextTask

    def __init__(self, task: TextTask, cells: ModelCells, duality: Duality | None = None) -> None:
        check_english(cells.spec)
        super().__init__(task, cells, duality)
        blank = self._example_type(cells=(), n_cells=0, length=task.length, **self._query(""))
        further = _FURTHER_TOKENS + cells.spec.max_new_tokens(self.task.answer_type(blank).n_tokens)
        self.groups = CellGroups(cells, task.groupby, n_cells=task.n_cells, further=further)
        if task.cell_type in cells.fact_names:
            raise ValueError(
                f"context= names {task.cell_type!r}, the cell types that the dual task predicts: leave it out"
            )

    _example_type: type[TextExample] = TextExample

    def _query(self, query: str) -> dict[str, Any]:
        """The field of an example for a question; none for other texts."""
        return {}

    def _markers(self, name: str) -> tuple[str, ...]:
        """Differentially expressed genes of a group."""
        return ()

    @cached_property
    def references(self) -> dict[str, list[Reference]]:
        """The reference texts of each group that has one."""
        if self.task.truth is None:
            raise ValueError(
                f"the task {self.task.name!r} needs reference texts: pass tasks={{{self.task.name!r}: "
                "{'groupby': ..., 'truth': ...}}, with an obs column or a mapping from groups to texts"
            )
        return reference_texts(self.groups, self.task.truth)

    @cached_property
    def _cell_types(self) -> tuple[NDArray[Any], tuple[str, ...]]:
        """The type of each cell, ``None`` where missing, and all types."""
        if self.task.cell_type is None:
            return np.full(len(self.cells), None, dtype=object), ()
        values = self.cells.column(self.task.cell_type, "cell_type")
        types = tuple(sorted({value for value in values if value is not None}))
        if len(types) < 2:
            raise ValueError(
                f"obs[{self.task.cell_type!r}] has {len(types)} cell types: the dual task needs two or more"
            )
        return values, types

    def predict_groups(self, seed: int) -> dict[str, TextExample | None]:
        """One example a group by its name; ``None`` for a group without cells that the model can read."""
        found: dict[str, TextExample | None] = {}
        for name in self.groups.rows:
            shown = self.groups.sample(name, seed)
            found[name] = self._example(name, shown, self.groups.sentences(shown), None) if shown else None
        return found

    def _example(
        self, name: str, shown: Sequence[int], sentences: tuple[tuple[str, ...], ...], reference: Reference | None
    ) -> TextExample:
        rows = self.groups.rows[name]
        values, types = self._cell_types
        named = pd.Series(values[rows]).dropna()
        return self._example_type(
            cells=sentences,
            n_cells=len(rows),
            length=self.task.length,
            markers=self._markers(name),
            cell_type=None if named.empty else str(named.mode()[0]),
            options=types,
            truth=None if reference is None else reference.text or None,
            context=group_context(self.cells, rows),
            **self._query("" if reference is None else reference.query),
        )

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Cells of groups with a reference; a group is sampled by the square root of its number of cells."""
        group = self.groups.group_of_cell
        members = self._members(rows, self.references)
        if not members:
            raise ValueError("no cell has both a reference text and genes that the model knows")
        found = np.sort(np.concatenate(list(members.values())))
        names = pd.Series(group[found])

        def example(row: int, genes: list[str], rng: np.random.Generator) -> TrainingExample:
            return self._training_example(row, genes, members[group[row]], rng, with_truth=True)

        return Pool(found, names.map(names.value_counts()).to_numpy(dtype=float) ** -0.5, example)

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Groups around every cell once, in random order, then again."""
        group, wanted = self.groups.group_of_cell, self.references if with_truth else self.groups.rows
        members = self._members(np.ones(len(self.cells), dtype=bool), wanted)
        rows = np.sort(np.concatenate([np.empty(0, np.int64), *members.values()]))
        return [
            self._training_example(
                row,
                shown_genes(self.cells, row, rng, augment=augment),
                members[group[row]],
                rng,
                with_truth=with_truth,
            )
            for row in every_row(rows, n, rng)
        ]

    def _members(self, rows: NDArray[np.bool_], wanted: Iterable[str]) -> dict[str, NDArray[np.int64]]:
        """Readable cells of each of these groups among ``rows``."""
        group = self.groups.group_of_cell
        return members_of(group, rows & self.cells.readable & np.isin(group.astype(str), list(wanted)))

    def _training_example(
        self, row: int, genes: list[str], members: NDArray[np.int64], rng: np.random.Generator, *, with_truth: bool
    ) -> TrainingExample:
        name = self.groups.group_of_cell[row]
        shown, sentences = self.groups.training_cells(row, genes, members, rng)
        example = self._example(name, shown, sentences, self._reference(name, rng, with_truth=with_truth))
        return TrainingExample(self.task, example, unit=str(name))

    def _reference(self, name: str, rng: np.random.Generator, *, with_truth: bool) -> Reference | None:
        """A random reference of a group; the truth is not read without ``with_truth``."""
        if not with_truth:
            return None
        found = self.references[name]
        return found[int(rng.integers(len(found)))]


def check_english(spec: ModelSpec) -> None:
    """Refuse a model that writes gene symbols only.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import check_english
    >>> check_english(sd.models.resolve("embedded"))
    Traceback (most recent call last):
    ValueError: the model 'embedded' has one token a gene and writes no English: pass a general model, ...
    """
    if spec.genes is not None:
        raise ValueError(
            f"the model {spec.name!r} has one token a gene and writes no English: pass a general model, such as an "
            "endpoint, a model of the hub, or 'smollm2-135m'"
        )
