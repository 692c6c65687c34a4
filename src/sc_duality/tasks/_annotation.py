"""Cell type annotation: from a cell to its type, and back to the genes that were hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ._labelling import Labelling, label_example
from ._task import Example


def annotation_example(
    genes: Sequence[str],
    labels: Sequence[str],
    *,
    truth: str | None = None,
    context: Mapping[str, str] | None = None,
    hidden_fraction: float = 0.0,
    rng: int | np.random.Generator = 0,
) -> Example:
    """One cell to annotate.

    Parameters
    ----------
    genes
        The cell sentence, best gene first.
    labels
        Types to choose from.
    truth
        The cell's type, where it is known.
    context
        Facts such as the tissue.
    hidden_fraction
        Share of the genes, drawn at random and kept in order, that the question does not show and
        that the dual has to give back.
    rng
        Seed or generator of that draw.

    Returns
    -------
    An :class:`Example` with ``known = {"genes": observed, "labels": labels}`` and the hidden genes
    as ``unknown``.

    Examples
    --------
    >>> from sc_duality.tasks import annotation_example
    >>> example = annotation_example(["A", "B", "C", "D"], ["T cell"], hidden_fraction=0.5, rng=1)
    >>> example.known["genes"], example.unknown
    (('A', 'D'), ('B', 'C'))
    """
    return label_example(genes, labels, truth=truth, context=context, hidden_fraction=hidden_fraction, rng=rng)


class Annotation(Labelling):
    """Cell → type; dual: type and observed genes → hidden genes (CellDuality §3.4.1).

    Parameters
    ----------
    prompt_format
        The words to use: the prompt format that the model speaks.
    known_genes
        Gene names that count when the dual's answer is read; all do by default.
    given
        What the dual is shown: ``"observed"`` genes and the type (the paper's), or the ``"label"``
        alone, so that it cannot lean on the other genes.

    Examples
    --------
    >>> from sc_duality.tasks import Annotation, annotation_example
    >>> task = Annotation("compact")
    >>> example = annotation_example(["CD79A", "MS4A1"], ["B cell", "T cell"])
    >>> task.prompt(example)
    '<annotate> <cell> CD79A MS4A1 <type>'
    >>> task.parse("b_cell", example).value
    'B cell'
    """

    name = "annotation"
