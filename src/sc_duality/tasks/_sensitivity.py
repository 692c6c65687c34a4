"""Drug sensitivity: from a cell and a drug to how the cell takes it, and back to the genes that were hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ._labelling import Labelling, label_example
from ._task import Example


def sensitivity_example(
    genes: Sequence[str],
    drug: str,
    labels: Sequence[str] = ("sensitive", "resistant"),
    *,
    truth: str | None = None,
    context: Mapping[str, str] | None = None,
    hidden_fraction: float = 0.0,
    rng: int | np.random.Generator = 0,
) -> Example:
    """One cell and one drug.

    Parameters
    ----------
    genes
        The cell sentence, best gene first.
    drug
        Name of the drug.
    labels
        How a cell may take it.
    truth, context, hidden_fraction, rng
        As for :func:`annotation_example`.

    Returns
    -------
    An :class:`Example` with ``known = {"genes": observed, "labels": labels, "drug": drug}`` and the
    hidden genes as ``unknown``.

    Examples
    --------
    >>> from sc_duality.tasks import sensitivity_example
    >>> sensitivity_example(["A", "B"], "erlotinib").known["labels"]
    ('sensitive', 'resistant')
    """
    if not drug.strip():
        raise ValueError("the drug has no name: pass drug=, such as 'erlotinib'")
    return label_example(
        genes, labels, truth=truth, context=context, hidden_fraction=hidden_fraction, rng=rng, drug=drug
    )


class Sensitivity(Labelling):
    """Cell and drug → label; dual: drug, label and observed genes → hidden genes (CellDuality §3.4.1).

    Parameters
    ----------
    prompt_format, known_genes, given
        As for :class:`Annotation`.

    Examples
    --------
    >>> from sc_duality.tasks import Sensitivity, sensitivity_example
    >>> task = Sensitivity("compact")
    >>> task.prompt(sensitivity_example(["CD79A", "MS4A1"], "panobinostat"))
    '<sensitivity> <panobinostat> <cell> CD79A MS4A1 <response>'
    """

    name = "sensitivity"
    version = 1
