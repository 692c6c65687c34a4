"""Examples of cell type annotation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from ..tasks import Annotation, TrainingExample
from ._hidden_genes import CellParts
from ._known_labels import KnownLabels, Meant
from ._label_options import column_labels, label_options, true_labels
from ._label_task import LabelExamples
from ._model_cells import ModelCells


class AnnotationExamples(LabelExamples):
    """Examples of cell type annotation, with the label sets and synonyms that the model knows."""

    task_class = Annotation

    @cached_property
    def _known(self) -> KnownLabels:
        return KnownLabels.of_cell_types(self.cells.spec, self.reference_labels)

    def _options(self, labels: Sequence[str] | str | None) -> dict[str, Meant]:
        return cell_type_options(self.cells, labels, self._known)

    def cell_types(self) -> list[str]:
        """Labels that are trained: those to choose from, else the values of the column with the true labels."""
        return trained_cell_types(self.cells, self.task.truth, self.task.labels)

    def reference_truth(self) -> NDArray[Any]:
        """The true label of each cell, ``None`` where missing."""
        return self._truth[0]

    def of_no_type(self, genes: Sequence[str], answer: str) -> TrainingExample:
        """A cell of none of the types, for which ``answer`` is right; it has no dual."""
        options = (*self._truth[1], answer)
        parts = CellParts(tuple(genes), (), ())
        return TrainingExample(self.task, self.example(parts, context={}, options=options, truth=answer))


def trained_cell_types(cells: ModelCells, truth: str | None, labels: Sequence[str] | str | None) -> list[str]:
    """Cell types of training data: a list or column of ``labels``, else those in ``truth``; none for a label set."""
    if isinstance(labels, str):
        return column_labels(cells.adata, labels) if labels in cells.adata.obs else []
    if labels is not None:
        return [str(label) for label in labels]
    if truth is None:
        return []
    cells.column(truth, "truth")
    return column_labels(cells.adata, truth)


def cell_type_options(
    cells: ModelCells, labels: Sequence[str] | str | None, known: KnownLabels | None = None
) -> dict[str, Meant]:
    """Cell types to choose from, each with the labels of the model that it stands for, of all ``known`` ones."""
    spec = cells.spec
    label_sets = spec.known("annotation", "label_sets", {})
    return label_options(cells.adata, spec, labels, known or KnownLabels.of_cell_types(spec), label_sets)


def true_cell_types(
    cells: ModelCells, truth: str, labels: Sequence[str] | str | None = None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The type of each cell in the model's names, ``None`` where missing, and all types to choose from.

    Without ``labels``, these are the values of the column ``truth``.
    """
    values, known = cells.column(truth, "truth"), KnownLabels.of_cell_types(cells.spec)
    labels = sorted({value for value in values if value is not None}) if labels is None else labels
    return true_labels(values, cell_type_options(cells, labels, known), known, truth)
