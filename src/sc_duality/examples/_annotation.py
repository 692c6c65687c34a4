"""Examples of cell type annotation."""

from __future__ import annotations

from collections.abc import Sequence

from ..tasks import Annotation
from ._label_options import label_options
from ._label_task import LabelExamples
from ._model_cells import ModelCells


class AnnotationExamples(LabelExamples):
    """Examples of cell type annotation, with the label sets and synonyms that the model knows."""

    task_class = Annotation

    def _options(self, labels: Sequence[str] | str | None) -> dict[str, str]:
        return cell_type_options(self.cells, labels, self.reference_labels)


def cell_type_options(
    cells: ModelCells, labels: Sequence[str] | str | None, further: Sequence[str] = ()
) -> dict[str, str]:
    """Cell types to choose from, each with the model's own name for it; ``further`` types are known too."""
    known = cells.spec.known
    return label_options(
        cells.adata,
        cells.spec,
        labels,
        [*known("annotation", "labels", ()), *further],
        label_sets=known("annotation", "label_sets", {}),
        synonyms=known("annotation", "synonyms", {}),
    )
