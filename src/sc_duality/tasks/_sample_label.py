"""Labels of a sample that is shown as several cells, such as its disease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ._cell_group import CellGroupExample, HiddenPart, check_group_settings
from ._gene_answers import GeneLists
from ._label_task import LabelTask


@dataclass(frozen=True, kw_only=True)
class SampleLabelExample(CellGroupExample):
    """Cells of a sample, and the labels to choose from.

    Parameters
    ----------
    fact
        What the label is, such as ``"disease"``.
    cells, options, observed, hidden_genes, truth, context
        See :class:`CellGroupExample`.
    """

    fact: str


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleLabel(LabelTask):
    """Cells of a sample → a label of the sample; dual: label and observed cells → hidden genes or cells.

    The task "tissue sample annotation" of C2S-Scale (table 1), for any label; the dual is ours. A task of your own for
    groups of cells is a subclass with a ``name``, a ``fact`` and a folder of ``templates``.

    Parameters
    ----------
    fact
        What the label is, as prompts name it: ``"disease"``, ``"age group"``, ``"sex"``.
    groupby
        ``obs`` column of the samples, or columns whose values together make a sample, such as ``["donor", "batch"]``.
        An example has cells of one sample with the same true label.
    n_cells
        Cells of a prompt at most, up to 20.
    n_genes
        Genes of each cell at most; by default as many as fit into the context of the model.
    hidden
        What the dual task reconstructs: ``"genes"`` of every cell, or whole ``"cells"``.
    truth, labels, prompt_format, vocabulary
        See :class:`LabelTask`.

    Examples
    --------
    >>> from sc_duality.tasks import SampleLabel, SampleLabelExample
    >>> task = SampleLabel(fact="disease", prompt_format="compact")
    >>> example = SampleLabelExample(cells=(("CD79A", "MS4A1"), ("CD3E",)), options=("flu", "normal"), fact="disease")
    >>> task.question(example).prompt
    '<sample> <disease> <1> CD79A MS4A1 <2> CD3E <label>'
    """

    name = "sample_label"

    fact: str
    groupby: str | Sequence[str] = ()
    n_cells: int = 20
    n_genes: int | None = None
    hidden: HiddenPart = "genes"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_group_settings(self.n_cells, self.n_genes, self.hidden)
        if not isinstance(self.fact, str) or not self.fact.strip():
            raise ValueError(f"fact must be what the label is, such as 'disease', got {self.fact!r}")

    def dual_answer_type(self, example: CellGroupExample) -> GeneLists:  # type: ignore[override]
        """The hidden genes of each cell that lacks some."""
        return GeneLists(self.vocabulary, tuple(map(len, example.hidden)))
