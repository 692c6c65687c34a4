"""Captions of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._text_task import TextTask


@dataclass(frozen=True, kw_only=True, eq=False)
class Caption(TextTask):
    """Cluster → caption: its cell type, what it does, and the genes that show it; dual: caption → cell type.

    Parameters
    ----------
    n_markers
        Differentially expressed genes of the cluster in a prompt; 0 for none.
    groupby, truth, cell_type, n_cells, length, prompt_format, vocabulary
        See :class:`TextTask`. ``groupby`` is one column.

    Examples
    --------
    >>> from sc_duality.tasks import Caption, TextExample
    >>> example = TextExample(cells=(("CD74", "CD79A"),), markers=("CD79A",), n_cells=90, length=40)
    >>> question = Caption(groupby="leiden").question(example)
    >>> question.parse("<answer>B cells, which express CD79A.</answer>").value
    'B cells, which express CD79A.'
    """

    name = "caption"

    n_markers: int = 10

    def settings(self) -> dict[str, Any]:
        """The number of differentially expressed genes."""
        return {"n_markers": self.n_markers}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.groupby, str):
            raise ValueError(f"groupby={self.groupby!r}: captions are of clusters, pass their obs column")
        if isinstance(self.n_markers, bool) or not isinstance(self.n_markers, int) or self.n_markers < 0:
            raise ValueError(f"n_markers={self.n_markers!r} must be a number of genes, or 0 for none")
