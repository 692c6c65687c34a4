"""Gene set naming: the name of a set from its genes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._answer_types import AnswerType
from ._free_text import FreeText
from ._gene_sets import GeneSet, GeneSetExample
from ._task import Task
from ._template import TaskTemplate

#: Words of a name at most.
_MAX_LENGTH = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneSetNaming(Task):
    """Genes → name; dual: name → genes, which is :class:`sc_duality.tasks.GeneSetEnumeration` (C2S-Scale, table 1).

    Parameters
    ----------
    gene_sets
        Gene sets for training, see :func:`check_gene_sets`.
    max_genes
        Genes in a prompt at most; of a larger set a random part is shown.
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import GeneSetExample, GeneSetNaming
    >>> question = GeneSetNaming().question(GeneSetExample(genes=("ISG15", "MX1", "IFI6"), truth="interferon response"))
    >>> question.parse("<answer>response to interferon</answer>").value
    'response to interferon'
    >>> question.similarity("response to interferon")
    0.8
    """

    name = "gene_set_naming"

    gene_sets: Any = None
    max_genes: int = 100

    def answer_type(self, example: GeneSetExample) -> AnswerType:
        """One of the example's options, or a name of the model's own."""
        return name_type(self.template, example)

    def dual_answer_type(self, example: GeneSetExample) -> GeneSet:
        """The genes."""
        return GeneSet(self.vocabulary, max(len(example.genes), 1))


def name_type(template: TaskTemplate, example: GeneSetExample) -> AnswerType:
    """What the name of a set may be."""
    return template.label(example.options) if example.options else FreeText(max_length=_MAX_LENGTH)
