"""Response of a cell to a perturbation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ._answer_types import Label
from ._gene_answers import GeneList
from ._perturbation import Perturbation
from ._task import Example, Task


@dataclass(frozen=True, kw_only=True)
class ResponseExample(Example):
    """A control cell and the perturbation whose response is predicted.

    Parameters
    ----------
    genes
        Sentence of the control cell, highest expression first.
    perturbation
        The perturbation, which the dual task reconstructs; or, with ``drug``, a sensitivity label such as
        ``"resistant"``.
    options
        Perturbations (or labels) that the dual task chooses from; ``perturbation`` is one of them.
    drug
        The drug, if ``perturbation`` is a sensitivity label.
    truth
        Sentence of the treated cell, where it is known.
    context
        Facts such as the tissue.
    """

    genes: tuple[str, ...]
    perturbation: Perturbation | str
    options: tuple[Perturbation, ...] | tuple[str, ...]
    drug: str = ""

    def __post_init__(self) -> None:
        if self.perturbation not in self.options:
            names = [str(option) for option in self.options]
            raise ValueError(f"the perturbation {str(self.perturbation)!r} is not one of the options {names}")
        if isinstance(self.perturbation, str) != bool(self.drug):
            raise ValueError(
                "a sensitivity label needs drug=, and a Perturbation has none: "
                f"got {self.perturbation!r} and drug={self.drug!r}"
            )

    @property
    def hidden(self) -> Perturbation | str:
        """The perturbation."""
        return self.perturbation


@dataclass(frozen=True, kw_only=True, eq=False)
class Response(Task):
    """Control cell and perturbation → treated cell; dual: both cells → perturbation (CellDuality §3.4.1, equation 2).

    Parameters
    ----------
    perturbation
        ``obs`` column with the perturbation of each cell, for training.
    control
        Value of that column for untreated cells.
    perturbations
        What other values of that column mean, as :class:`Perturbation` or its fields, such as
        ``{"stim": ("cytokine", "IFNB1")}``. Cells with other values are left out. By default each value is the
        target of a ``"treatment"``.
    match
        ``obs`` column, or columns, in which a treated cell and its control agree, such as ``["donor", "cell_type"]``.
        Cells without a value are not paired.
    prompt_format, vocabulary
        See :class:`Task`.

    Examples
    --------
    >>> from sc_duality.tasks import Perturbation, Response, ResponseExample
    >>> task = Response(prompt_format="compact")
    >>> stat1, control = Perturbation("knockdown", "STAT1"), Perturbation("control")
    >>> example = ResponseExample(genes=("ISG15", "ACTB"), perturbation=stat1, options=(stat1, control))
    >>> task.question(example).prompt
    '<respond> <knockdown> STAT1 <cell> ISG15 ACTB <after>'
    >>> dual = task.dual(example, ("ACTB", "ISG15"))
    >>> dual.prompt, dual.parse("<knockdown> STAT1").value == stat1
    ('<cause> <cell> ISG15 ACTB <after> ACTB ISG15 <by>', True)
    """

    name = "response"
    version = 2

    perturbation: str | None = None
    control: str | None = None
    perturbations: Mapping[str, Perturbation | Sequence[str]] = field(default_factory=dict)
    match: str | Sequence[str] = ()

    def answer_type(self, example: ResponseExample) -> GeneList:
        """The sentence of the treated cell."""
        return GeneList(self.vocabulary, len(example.genes))

    def dual_answer_type(self, example: ResponseExample) -> Label:
        """One of the perturbations."""
        return self.template.label(example.options)
