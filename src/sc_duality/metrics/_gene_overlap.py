"""Genes that two lists have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ._checks import refuse_texts, same_length


def gene_overlap(
    truth: Sequence[Iterable[str]], answers: Sequence[Iterable[str]], *, k: int | None = None, jaccard: bool = False
) -> float:
    """Share of the genes of each true list that its answer names, averaged over the lists.

    Order and repetitions do not count. What both name is divided by the number of true genes, or with ``jaccard`` by
    the number of genes that either names. The share is 0 where the true list is empty.

    Parameters
    ----------
    truth
        A list of genes for each cell, best first.
    answers
        As many lists.
    k
        Genes to take from the start of both lists; all by default.
    jaccard
        Divide by the union (the Jaccard index).

    Returns
    -------
    The mean share, 0 to 1.

    Raises
    ------
    TypeError
        A sentence is given as text.
    ValueError
        There are no lists, not as many answers as truths, or ``k`` is below 1.

    Notes
    -----
    The overlap of C2S-Scale, section 4.5, which is the share of the true genes there, and the Jaccard index for its
    neighbouring cells.

    Examples
    --------
    >>> from sc_duality.metrics import gene_overlap
    >>> gene_overlap([["CD79A", "MS4A1"]], [["MS4A1", "CD3E"]])
    0.5
    """
    same_length(truth, answers, "gene lists")
    refuse_texts([*truth, *answers])
    if k is not None and k < 1:
        raise ValueError(f"k must be at least 1, got {k!r}")
    return float(np.mean([_share(list(a)[:k], list(b)[:k], jaccard) for a, b in zip(truth, answers, strict=True)]))


def _share(truth: list[str], answer: list[str], jaccard: bool) -> float:
    wanted, given = set(truth), set(answer)
    whole = wanted | given if jaccard else wanted
    return len(wanted & given) / len(whole) if whole else 0.0
