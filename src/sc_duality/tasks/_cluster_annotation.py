"""Cell type annotation of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ._answer_types import AnswerType
from ._free_name import FreeName
from ._gene_answers import GeneList
from ._label_task import LabelExample
from ._task import Task


@dataclass(frozen=True, kw_only=True)
class ClusterExample(LabelExample):
    """A cluster of cells, and the labels to choose from.

    Parameters
    ----------
    genes
        The cell sentence of the cluster: genes by their mean rank weight over its cells, highest first.
    options
        Labels to choose from; none to name the cell type freely.
    markers
        Differentially expressed genes of the cluster, best first.
    n_cells
        Number of cells of the cluster.
    share
        Its share of all cells that are in a cluster.
    observed, hidden_genes, n_hidden_max, truth, context
        See :class:`LabelExample`.
    """

    options: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    n_cells: int
    share: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterAnnotation(Task):
    """Cluster → cell type; dual: cell type and observed genes → hidden genes.

    A model reads the differentially expressed genes of the cluster, its most highly expressed genes and its size. The
    dual task, as that of :class:`Annotation`, does not show the differentially expressed genes.

    Parameters
    ----------
    groupby
        ``obs`` column of the clusters.
    labels
        Labels to choose from: a list or an ``obs`` column. By default what the model knows, or any name.
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import ClusterAnnotation, ClusterExample
    >>> example = ClusterExample(genes=("CD74", "CD79A"), markers=("CD79A",), n_cells=90, share=0.3)
    >>> question = ClusterAnnotation(groupby="leiden").question(example)
    >>> question.parse("<answer>B cell</answer>").value
    'B cell'
    """

    name = "cluster_annotation"

    groupby: str
    labels: Sequence[str] | str | None = None

    def answer_type(self, example: ClusterExample) -> AnswerType:
        """One of the example's options, or a name of the model's own."""
        return self.template.label(example.options) if example.options else FreeName()

    def dual_answer_type(self, example: ClusterExample) -> GeneList:
        """The hidden genes."""
        return GeneList(self.vocabulary, max(len(example.hidden_genes), example.n_hidden_max))
