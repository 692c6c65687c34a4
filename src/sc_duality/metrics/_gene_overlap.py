"""Overlap of true and predicted gene lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ._checks import lists_of_names, same_length


def gene_overlap(
    truth: Sequence[Iterable[str]], predicted: Sequence[Iterable[str]], *, k: int | None = None, jaccard: bool = False
) -> float:
    """Share of the genes of each true list that the predicted list contains, averaged over the lists.

    Order and duplicates do not count. The number of shared genes is divided by the number of true genes, or with
    ``jaccard`` by the number of genes in either list. The share is 0 if the true list is empty.

    Parameters
    ----------
    truth
        A list of genes for each cell, highest expression first.
    predicted
        As many lists.
    k
        Genes to take from the start of both lists; all by default.
    jaccard
        Divide by the size of the union (the Jaccard index).

    Returns
    -------
    The mean share, 0 to 1.

    Raises
    ------
    TypeError
        A list of genes is a string.
    ValueError
        There are no lists, the numbers of lists differ, or ``k`` is below 1.

    Notes
    -----
    C2S-Scale, section 4.5, reports the share of true genes, and the Jaccard index for neighbouring cells.

    Examples
    --------
    >>> from sc_duality.metrics import gene_overlap
    >>> gene_overlap([["CD79A", "MS4A1"]], [["MS4A1", "CD3E"]])
    0.5
    """
    same_length(truth, predicted, "gene lists")
    lists_of_names([*truth, *predicted])
    if k is not None and k < 1:
        raise ValueError(f"k must be at least 1, got {k!r}")
    pairs = zip(truth, predicted, strict=True)
    return float(np.mean([_share(set(list(a)[:k]), set(list(b)[:k]), jaccard) for a, b in pairs]))


def _share(truth: set[str], predicted: set[str], jaccard: bool) -> float:
    total = truth | predicted if jaccard else truth
    return len(truth & predicted) / len(total) if total else 0.0
