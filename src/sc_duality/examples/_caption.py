"""Examples of captions of clusters."""

from __future__ import annotations

from functools import cached_property

from ..tasks import Caption
from ._group_facts import group_markers
from ._text_task import TextExamples


class CaptionExamples(TextExamples):
    """Examples of captions, with the differentially expressed genes of each cluster."""

    task: Caption
    task_class = Caption

    @cached_property
    def markers(self) -> dict[str, tuple[str, ...]]:
        """Differentially expressed genes of each group; none if the task shows none."""
        n_genes, groupby = self.task.n_markers, str(self.task.groupby)
        return group_markers(self.cells, groupby, n_genes) if n_genes else {}

    def _markers(self, name: str) -> tuple[str, ...]:
        return self.markers.get(name, ())
