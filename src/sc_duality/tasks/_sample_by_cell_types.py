"""Generation of a sample of given cell types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._validation import is_missing
from ._cell_group import check_n_cells
from ._label_set import LabelSet
from ._sample_generation import SampleGeneration, SampleGenerationExample


@dataclass(frozen=True, kw_only=True)
class SampleByCellTypesExample(SampleGenerationExample):
    """A sample to generate, with the cell type of each cell.

    Parameters
    ----------
    condition
        One cell type a cell; a type that comes again is that of several cells.
    n_genes, options, truth, context
        See :class:`SampleGenerationExample`.
    """

    condition: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.condition) != len(self.n_genes):
            raise ValueError(f"{len(self.condition)} cell types for {len(self.n_genes)} cells: pass one a cell")
        if unknown := [label for label in self.condition if label not in self.options]:
            raise ValueError(f"the cell types {unknown} are not among the options {list(self.options)}")

    @property
    def hidden(self) -> tuple[str, ...]:
        """The set of cell types, in the order of the options."""
        return tuple(label for label in self.options if label in self.condition)


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleByCellTypes(SampleGeneration):
    """Cell types, one a cell → the cells of a sample; dual: the set of their cell types.

    The task "conditional sample generation (cell type)" of C2S-Scale (table 1): a type that comes again is that of
    several cells.

    Parameters
    ----------
    truth
        ``obs`` column with the cell types.
    groupby, n_cells, n_genes, prompt_format, vocabulary
        See :class:`SampleGeneration`.

    Examples
    --------
    >>> from sc_duality.tasks import SampleByCellTypes, SampleByCellTypesExample
    >>> types = ("B cell", "B cell", "T cell")
    >>> example = SampleByCellTypesExample(condition=types, options=("B cell", "T cell"), n_genes=(9, 9, 9))
    >>> SampleByCellTypes(prompt_format="compact").question(example).prompt
    '<generate> <types> B_cell B_cell T_cell <cells> <3>'
    """

    name = "sample_by_cell_types"

    def request(
        self, condition: Any, n_cells: int, n_genes: int, context: Mapping[str, str]
    ) -> SampleByCellTypesExample:
        """The example of a sample of these cell types, one a cell; ``n_cells`` is not read."""
        types = () if isinstance(condition, str) or not isinstance(condition, Iterable) else tuple(condition)
        if not types or any(not isinstance(one, str) or is_missing(one) for one in types):
            raise ValueError(
                f"a sample of the task {self.name!r} is a list of cell types, one a cell, got {condition!r}"
            )
        options = tuple(dict.fromkeys(types))
        n_genes_of_cell = (n_genes,) * check_n_cells(len(types))
        return SampleByCellTypesExample(condition=types, n_genes=n_genes_of_cell, options=options, context=context)

    def dual_answer_type(self, example: SampleGenerationExample) -> LabelSet:
        """A set of the options."""
        return LabelSet(example.options, self.template.label(example.options).texts, len(example.n_genes))
