"""Gene set enumeration: the genes of a set from its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._answer_types import AnswerType
from ._gene_set_naming import name_type
from ._gene_sets import GeneSet, GeneSetExample
from ._task import Task


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneSetEnumeration(Task):
    """Name → genes; dual: genes → name, which is :class:`sc_duality.tasks.GeneSetNaming` (C2S-Scale, table 1).

    Parameters
    ----------
    gene_sets
        Gene sets for training, see :func:`check_gene_sets`.
    max_genes
        Genes of an answer at most; of a larger set a random part is the target.
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import GeneSetEnumeration, GeneSetExample
    >>> task = GeneSetEnumeration(prompt_format="compact")
    >>> task.question(GeneSetExample(name="HALLMARK_INTERFERON_ALPHA_RESPONSE")).prompt
    '<gene_set> <hallmark> <interferon> <alpha> <response> <genes>'
    """

    name = "gene_set_enumeration"

    gene_sets: Any = None
    max_genes: int = 100

    def answer_type(self, example: GeneSetExample) -> GeneSet:
        """The genes."""
        return GeneSet(self.vocabulary, example.n_genes)

    def dual_answer_type(self, example: GeneSetExample) -> AnswerType:
        """The name."""
        return name_type(self.template, example)
