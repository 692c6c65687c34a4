"""Interaction partners: the genes that interact with a gene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._answer_types import Label
from ._gene_sets import GeneSet
from ._task import Example, Task


@dataclass(frozen=True, kw_only=True)
class PartnersExample(Example):
    """A gene and the genes that it interacts with.

    Parameters
    ----------
    gene
        The gene that the dual task reconstructs.
    options
        Genes that the dual task chooses from.
    n_genes
        Genes of the answer at most.
    truth
        The genes that interact with ``gene``.
    context
        See :class:`Example`.

    Examples
    --------
    >>> from sc_duality.tasks import PartnersExample
    >>> PartnersExample(gene="EGFR", options=("EGFR", "MET"), n_genes=2, truth=("EGF", "TGFA")).hidden
    'EGFR'
    """

    gene: str
    options: tuple[str, ...]
    n_genes: int = 50

    @property
    def hidden(self) -> str:
        """The gene."""
        return self.gene


@dataclass(frozen=True, kw_only=True, eq=False)
class InteractionPartners(Task):
    """Gene → the genes that it interacts with; dual: these genes → the gene that interacts with all of them.

    Interaction knowledge of C2S-Scale (§2.5, §4.7.7), as training examples next to tasks on cells.

    Parameters
    ----------
    interactions
        Interacting genes for training, see :func:`interaction_pairs`.
    max_genes
        Genes of an answer at most; of more partners a random part is the target.
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import InteractionPartners, PartnersExample
    >>> task = InteractionPartners()
    >>> example = PartnersExample(gene="EGFR", options=("EGFR", "MET"), n_genes=2, truth=("EGF", "TGFA"))
    >>> task.question(example).similarity(("TGFA", "HGF"))
    0.333...
    >>> task.dual(example, example.truth).parse("<answer>egfr</answer>").value
    'EGFR'
    """

    name = "interaction_partners"

    interactions: Any = None
    max_genes: int = 100

    def answer_type(self, example: PartnersExample) -> GeneSet:
        """The genes that interact with it."""
        return GeneSet(self.vocabulary, example.n_genes)

    def dual_answer_type(self, example: PartnersExample) -> Label:
        """One of the example's options."""
        return self.template.label(example.options)
