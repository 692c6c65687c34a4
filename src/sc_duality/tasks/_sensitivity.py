"""Drug sensitivity."""

from __future__ import annotations

from dataclasses import dataclass

from ._label_task import LabelExample, LabelTask


@dataclass(frozen=True, kw_only=True)
class SensitivityExample(LabelExample):
    """A cell, a drug, and the labels to choose from.

    Parameters
    ----------
    drug
        Name of the drug.
    genes, options, observed, hidden_genes, n_hidden_max, truth, context
        See :class:`LabelExample`.
    """

    drug: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensitivity(LabelTask):
    """Cell and drug → sensitivity; dual: drug, sensitivity and observed genes → hidden genes (CellDuality §3.4.1).

    Parameters
    ----------
    drug
        Name of the drug.
    truth, labels, prompt_format, vocabulary
        See :class:`LabelTask`; the labels are ``"sensitive"`` and ``"resistant"`` by default.

    Examples
    --------
    >>> from sc_duality.tasks import Sensitivity, SensitivityExample
    >>> example = SensitivityExample(genes=("CD79A",), options=("treated", "untreated"), drug="panobinostat")
    >>> Sensitivity(drug="panobinostat", prompt_format="compact").question(example).prompt
    '<sensitivity> <panobinostat> <cell> CD79A <response>'
    """

    name = "sensitivity"

    drug: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.drug, str) or not self.drug.strip():
            raise ValueError(f"drug must be a name, such as 'erlotinib', got {self.drug!r}")
