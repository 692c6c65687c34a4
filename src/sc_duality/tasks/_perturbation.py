"""A perturbation of a cell, as data."""

from __future__ import annotations

from dataclasses import dataclass

#: Operation of an untreated cell.
CONTROL = "control"
#: Operations whose target is a gene.
_ON_GENES = ("knockdown", "knockout", "overexpression")


@dataclass(frozen=True)
class Perturbation:
    """An intervention: CellDuality's p = (operation, target), with dose and time (§3.1).

    Parameters
    ----------
    operation
        ``"knockdown"``, ``"knockout"``, ``"overexpression"``, ``"drug"``, ``"cytokine"`` or another intervention;
        ``"control"`` for an untreated cell, which has no target.
    target
        Gene, compound or cytokine.
    dose, time
        As text, such as ``"0.2 µM"`` and ``"6 h"``.

    Examples
    --------
    >>> from sc_duality.tasks import Perturbation
    >>> str(Perturbation("knockdown", "STAT1"))
    'knockdown STAT1'
    >>> str(Perturbation("drug", "panobinostat", dose="0.2 µM", time="24 h"))
    'drug panobinostat 0.2 µM 24 h'
    """

    operation: str
    target: str = ""
    dose: str = ""
    time: str = ""

    def __post_init__(self) -> None:
        if not self.operation.strip():
            raise ValueError("a perturbation needs an operation, such as 'knockdown', 'drug' or 'cytokine'")
        if self.is_control == bool(self.target.strip()):
            need = "has no target" if self.is_control else "needs a target: a gene, a compound or a cytokine"
            raise ValueError(f"the operation {self.operation!r} {need}, got target={self.target!r}")

    def __str__(self) -> str:
        return " ".join(part for part in (self.operation, self.target, self.dose, self.time) if part)

    @property
    def is_control(self) -> bool:
        """Whether the cell is untreated."""
        return self.operation == CONTROL

    @property
    def is_of_gene(self) -> bool:
        """Whether the target is a gene."""
        return self.operation in _ON_GENES

    def covers(self, other: Perturbation) -> bool:
        """Whether ``other`` is this perturbation; an empty dose or time of this one matches any.

        Examples
        --------
        >>> from sc_duality.tasks import Perturbation
        >>> Perturbation("drug", "panobinostat").covers(Perturbation("drug", "panobinostat", dose="0.2 µM"))
        True
        """
        same = self.dose in ("", other.dose) and self.time in ("", other.time)
        return same and (self.operation, self.target) == (other.operation, other.target)
