"""Examples of cell type annotation."""

from __future__ import annotations

from collections.abc import Sequence

from ..tasks import Annotation
from ._known_labels import KnownLabels, Meant
from ._label_options import label_options
from ._label_task import LabelExamples
from ._model_cells import ModelCells


class AnnotationExamples(LabelExamples):
    """Examples of cell type annotation, with the label sets and synonyms that the model knows."""

    task_class = Annotation

    def _options(self, labels: Sequence[str] | str | None) -> dict[str, Meant]:
        return cell_type_options(self.cells, labels)


def cell_type_options(cells: ModelCells, labels: Sequence[str] | str | None) -> dict[str, Meant]:
    """Cell types to choose from, each with the labels of the model that it stands for."""
    spec = cells.spec
    label_sets = spec.known("annotation", "label_sets", {})
    return label_options(cells.adata, spec, labels, KnownLabels.of_cell_types(spec), label_sets)
