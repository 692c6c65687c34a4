"""Response of a cell to a perturbation, as the genes that change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._validation import choice, positive_integer
from ._gene_changes import GeneChanges
from ._question import Question
from ._response import Response, ResponseExample

#: What training targets compare: the means of two groups of cells, or two single cells.
PAIRS = ("groups", "cells")


@dataclass(frozen=True, kw_only=True)
class GeneChangeExample(ResponseExample):
    """A control cell and the perturbation whose gene changes are predicted.

    Parameters
    ----------
    n_changed
        Genes up, and genes down, at most.
    genes, perturbation, options, drug, context
        See :class:`ResponseExample`.
    truth
        Genes up and genes down, largest change first, where they are known.
    """

    n_changed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneChangeResponse(Response):
    """Control cell and perturbation → genes up and down; dual: control cell and changes → perturbation.

    Parameters
    ----------
    n_changed
        Genes of each list at most; a third of the genes of the data if that is fewer. By default as many as the model
        was trained on, and 200 for a model that was not.
    pairs
        What training compares: ``"groups"``, the means of treated and control cells that agree in ``match``, or
        ``"cells"``, one treated and one control cell.
    transfer
        Share of treated training examples under a perturbation that the group of the control cell lacks, with the
        change of a random group that has it. Where each perturbation was applied to one kind of cell, a model learns
        from them that the change depends on the perturbation, and not on the kind of cell alone.
    perturbation, control, perturbations, match
        See :class:`Response`.
    prompt_format, vocabulary
        See :class:`Task`.

    Notes
    -----
    The delta sentences of C2S-Scale (§4.9), with the dual task of CellDuality (§3.4.1, equation 2).

    Examples
    --------
    >>> from sc_duality.tasks import GeneChangeExample, GeneChangeResponse, Perturbation
    >>> task = GeneChangeResponse(prompt_format="compact")
    >>> stat1, control = Perturbation("knockdown", "STAT1"), Perturbation("control")
    >>> example = GeneChangeExample(
    ...     genes=("ISG15", "ACTB"), perturbation=stat1, options=(stat1, control), n_changed=2
    ... )
    >>> task.question(example).prompt
    '<change> <knockdown> STAT1 <cell> ISG15 ACTB <changed>'
    >>> task.dual(example, ((), ("ISG15",))).prompt
    '<cause> <cell> ISG15 ACTB <changed> | ISG15 <by>'
    """

    name = "gene_changes"
    version = 1

    n_changed: int | None = None
    pairs: str = "groups"
    transfer: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_changed is not None:
            positive_integer("n_changed", self.n_changed)
        choice("pairs", self.pairs, PAIRS)
        if not 0 <= self.transfer <= 1:
            raise ValueError(f"transfer is a share from 0 to 1, got {self.transfer!r}")

    def answer_type(self, example: GeneChangeExample) -> GeneChanges:  # type: ignore[override]
        """Genes up and genes down."""
        return GeneChanges(self.vocabulary, example.n_changed)

    def contrast(self, example: Any, wrong: Sequence[Any]) -> list[Question]:
        """The same changes after each of these other perturbations too: p(changes | control cell, perturbation)."""
        return [self.question(replace(example, perturbation=one)) for one in (example.perturbation, *wrong)]
