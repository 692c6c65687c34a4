"""Examples of cell generation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import ModelSpec
from ..tasks import Generation, GenerationExample, Task, TrainingExample
from ._annotation import cell_type_options, trained_cell_types, true_cell_types
from ._examples import Examples, Pool, Results, balanced_pool, every_row
from ._label_options import column_labels, one_by_one
from ._results import check_options, param_list, predictions


class GenerationExamples(Examples):
    """Examples of cell generation: a cell type in, a cell sentence out."""

    task: Generation
    task_class = Generation
    about_cells = False
    augmentable = False
    dual_task = "annotation"
    extends_knowledge = True

    @cached_property
    def labels(self) -> dict[str, str]:
        """Cell types to generate, each with the model's own name for it."""
        spec, labels = self.cells.spec, self.task.labels
        if labels is None:
            labels = spec.known(self.task.name, "labels")
        if labels is None and not spec.known("annotation", "labels", ()) and self.task.truth is not None:
            labels = column_labels(self.cells.adata, self.task.truth)
        return one_by_one(cell_type_options(self.cells, labels))

    @cached_property
    def _truth(self) -> tuple[NDArray[Any], tuple[str, ...]]:
        """The type of each cell in the model's names, ``None`` where missing, and all types."""
        if self.task.truth is None:
            raise ValueError(
                "the task 'generation' needs the obs column with the cell types: pass tasks={'generation': "
                "{'truth': ...}}"
            )
        return true_cell_types(self.cells, self.task.truth, self.task.labels)

    def cell_types(self) -> list[str]:
        """Cell types that are trained."""
        return trained_cell_types(self.cells, self.task.truth, self.task.labels)

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """Cells with a type; a type is sampled in proportion to the square root of its number of cells."""
        return balanced_pool(self.cells, self._truth[0], rows, self._training_example)

    def _training_example(self, row: int, genes: list[str], rng: np.random.Generator) -> TrainingExample:
        """The cell as an example of its type."""
        values, options = self._truth
        example = GenerationExample(
            cell_type=values[row],
            options=options,
            n_genes=len(genes),
            truth=tuple(genes),
            context=self.cells.context([row])[0],
        )
        return TrainingExample(self.task, example)

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Each type as often as the others, in the context of random cells."""
        options = tuple(self.labels.values())
        found, readable = [], np.flatnonzero(self.cells.readable)
        check_generated(self.cells.spec, self.labels, _tissues(self.cells.context(readable)))
        for i, row in enumerate(every_row(readable, n, rng)):
            cell_type = options[i % len(options)]
            example = GenerationExample(
                cell_type=cell_type,
                options=options,
                n_genes=self.cells.n_genes,
                truth=self._real_cell(cell_type, rng) if with_truth else None,
                context=self.cells.context([row])[0],
            )
            found.append(TrainingExample(self.task, example))
        return [found[i] for i in rng.permutation(n)]

    def _real_cell(self, cell_type: str, rng: np.random.Generator) -> tuple[str, ...]:
        rows = np.flatnonzero((self._truth[0] == cell_type) & self.cells.readable)
        if len(rows) == 0:
            raise ValueError(f"no cell with genes that the model knows has the label {cell_type!r}: leave it out")
        return tuple(self.cells.genes([int(rng.choice(rows))])[0])

    def knowledge(self) -> dict[str, Any]:
        """The types and tissues of the cells, for a model with a token for each.

        A model that was trained before and does not say what it generates still does not.
        """
        spec, types = self.cells.spec, self._truth[0]
        generates_before = self.task.name in (spec.tasks or ())
        if spec.genes is None or (generates_before and spec.known(self.task.name, "labels") is None):
            return {}
        rows = np.flatnonzero([one is not None for one in types])
        return {"labels": sorted(set(types[rows])), "tissues": _tissues(self.cells.context(rows))}

    @classmethod
    def task_from_params(cls, params: Mapping[str, Any]) -> Task:
        """The task with the cell types of an earlier result."""
        return Generation(labels=param_list(params, "options"))

    def from_results(self, key: str, seed: int) -> GenerationResults:
        """The generated cells and the types that they were generated for."""
        params = self.cells.adata.uns[key]["params"]
        check_options(key, param_list(params, "options"))
        context = {"tissue": str(params["tissue"])} if "tissue" in params else {}
        return GenerationResults(self, predictions(self.cells.adata, key, self.labels), context)


def check_generated(spec: ModelSpec, names: Mapping[str, str], tissues: Iterable[str]) -> None:
    """An error for types, or tissues, whose cells the model did not learn to generate.

    ``names`` are the types, each with the model's own name for it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import check_generated
    >>> check_generated(sd.models.resolve("embedded"), {"Mast cells": "mast cell"}, ["blood"])
    Traceback (most recent call last):
    ValueError: the model 'embedded' did not learn to generate Mast cells: leave them out; it generates ...
    """
    types, known_tissues = (spec.known(Generation.name, name) for name in ("labels", "tissues"))
    missing = [] if types is None else [label for label, own in names.items() if own not in types]
    if missing:
        raise ValueError(
            f"the model {spec.name!r} did not learn to generate {', '.join(missing)}: leave them out; it generates "
            f"{', '.join(types)}"
        )
    other = [] if known_tissues is None else [tissue for tissue in tissues if tissue not in known_tissues]
    if other:
        known = f"it knows {', '.join(known_tissues)}" if known_tissues else "it learned none"
        raise ValueError(
            f"the model {spec.name!r} did not learn to generate cells of the tissue {other[0]!r}, and {known}: leave "
            "the tissue out"
        )


def _tissues(context: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({str(facts["tissue"]) for facts in context if "tissue" in facts})


class GenerationResults(Results):
    """Generated cells with the types that they were generated for."""

    def __init__(
        self, examples: GenerationExamples, cell_types: Sequence[str | None], context: Mapping[str, str]
    ) -> None:
        self._examples, self._cell_types, self._context = examples, cell_types, context
        self.task = examples.task

    def block(self, rows: slice) -> tuple[list[Any], list[Any]]:
        """Examples and generated sentences."""
        names, cell_types = self._examples.labels, self._cell_types[rows]
        options = tuple(names.values())
        examples = [
            GenerationExample(cell_type=names[one] if one else options[0], options=options, context=self._context)
            for one in cell_types
        ]
        cells = self._examples.cells.genes(rows)
        return examples, [tuple(genes) if one and genes else None for one, genes in zip(cell_types, cells, strict=True)]
