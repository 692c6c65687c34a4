"""Cell type annotation."""

from __future__ import annotations

from dataclasses import dataclass

from ._label_task import LabelTask


@dataclass(frozen=True, kw_only=True, eq=False)
class Annotation(LabelTask):
    """Cell → cell type; dual: cell type and observed genes → hidden genes (CellDuality §3.4.1).

    Parameters
    ----------
    truth, labels, prompt_format, vocabulary
        See :class:`LabelTask`.

    Examples
    --------
    >>> from sc_duality.tasks import Annotation, LabelExample
    >>> task = Annotation(prompt_format="compact")
    >>> question = task.question(LabelExample(genes=("CD79A", "MS4A1"), options=("B cell", "T cell")))
    >>> question.prompt, question.parse("b_cell").value
    ('<annotate> <cell> CD79A MS4A1 <type>', 'B cell')
    """

    name = "annotation"
    version = 2
