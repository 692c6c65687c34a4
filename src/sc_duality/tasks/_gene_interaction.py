"""Interaction of two genes: whether their proteins interact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._answer_types import Label
from ._gene_sets import GeneSet
from ._task import Example, Task
from ._yes_no import NO, YES


@dataclass(frozen=True, kw_only=True)
class InteractionExample(Example):
    """Two genes.

    Parameters
    ----------
    gene
        The gene that both tasks show.
    other
        The gene that the dual task reconstructs.
    truth
        ``"yes"`` if their proteins interact, else ``"no"``.
    context
        See :class:`Example`.

    Examples
    --------
    >>> from sc_duality.tasks import InteractionExample
    >>> InteractionExample(gene="EGF", other="EGFR", truth="yes").hidden
    ('EGFR',)
    """

    gene: str
    other: str

    @property
    def hidden(self) -> tuple[str, ...]:
        """The other gene."""
        return (self.other,)


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneInteraction(Task):
    """Two genes → whether their proteins interact; dual: one of them and the answer → the other one.

    Interaction knowledge of C2S-Scale (§2.5, §4.7.7), as training examples next to tasks on cells. As many pairs that
    are not known to interact are examples too: see the notes.

    Parameters
    ----------
    interactions
        Interacting genes for training, see :func:`interaction_pairs`.
    known
        Further interactions, such as those of another database: pairs that never count as "no".
    prompt_format, vocabulary
        See :class:`Task`.

    Notes
    -----
    Pairs with the answer "no" are the genes of the same table with their partners exchanged, so that each gene is in as
    many of them as in known pairs, on the same side: neither the gene nor the number of its partners tells the answer.
    This holds for the training examples and for those that are held out, each by themselves. The pairs are not known to
    interact, which is not proof that they do not. The dual task of "no" is trained on them, so that its log-likelihood
    against that of "yes" is free of how often a gene is in the table.

    Examples
    --------
    >>> from sc_duality.tasks import GeneInteraction, InteractionExample
    >>> task = GeneInteraction(prompt_format="compact")
    >>> task.question(InteractionExample(gene="EGF", other="EGFR")).prompt
    '<interaction> EGF EGFR <interacts>'
    >>> task.dual(InteractionExample(gene="EGF", other="EGFR"), "yes").prompt
    '<interaction> EGF <interacts> <yes> <gene>'
    """

    name = "gene_interaction"

    interactions: Any = None
    known: Any = None

    def answer_type(self, example: InteractionExample) -> Label:
        """Yes or no."""
        return self.template.label((YES, NO))

    def dual_answer_type(self, example: InteractionExample) -> GeneSet:
        """One gene."""
        return GeneSet(self.vocabulary, 1)
