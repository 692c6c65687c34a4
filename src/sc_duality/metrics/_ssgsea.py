"""Single-sample gene set enrichment analysis by ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ._checks import lists_of_names

#: Values of a block of profiles: 32 MB of float64.
_BLOCK_VALUES = 2**22


@overload
def ssgsea(expression: Any, genes: Sequence[str], gene_set: Mapping[str, Iterable[str]]) -> dict[str, NDArray[Any]]: ...
@overload
def ssgsea(expression: Any, genes: Sequence[str], gene_set: Iterable[str]) -> NDArray[np.float64]: ...
def ssgsea(
    expression: Any, genes: Sequence[str], gene_set: Iterable[str] | Mapping[str, Iterable[str]]
) -> NDArray[np.float64] | dict[str, NDArray[Any]]:
    """Enrichment score of a gene set in every profile (ssGSEA), by ranks with weight 0.

    The score is the mean rank of the genes in the set minus the mean rank of all others, where the gene with the
    highest expression has the highest rank: n (AUC − ½) of n genes. Genes of equal expression share their mean rank, so
    that the score depends neither on the order of the genes nor on how zeros are stored.

    Parameters
    ----------
    expression
        Profiles × genes, dense or sparse, in any unit: only the order within a profile counts. It is read in blocks.
    genes
        Symbol of each column, each once.
    gene_set
        Symbols of the set, or several sets by name. Symbols that are not in ``genes`` are left out.

    Returns
    -------
    One score a profile, from −n/2 to n/2; with several sets, these by name.

    Raises
    ------
    TypeError
        A gene set is one text.
    ValueError
        A set has none of the genes or all of them, ``genes`` has duplicates or does not fit the columns, or values are
        missing or infinite.

    Notes
    -----
    Barbie et al. 2009, as C2S-Scale uses it (section 4.9: gseapy with ``sample_norm_method="rank"`` and ``weight=0``).
    gseapy orders genes of equal expression by their position; without such genes the scores are equal.

    Examples
    --------
    >>> from sc_duality.metrics import ssgsea
    >>> ssgsea([[9.0, 4.0, 1.0, 0.0], [0.0, 0.0, 5.0, 0.0]], ["STAT1", "IRF7", "ACTB", "LYZ"], ["STAT1", "IRF7"])
    array([ 2., -1.])
    """
    sets = gene_set if isinstance(gene_set, Mapping) else {"gene_set": gene_set}
    X = expression.tocsr() if hasattr(expression, "tocsr") else np.asarray(expression)
    members = _members(X.shape, genes, sets)
    columns = np.flatnonzero(members.any(axis=0))
    n_genes, sizes = len(genes), members.sum(axis=1)
    scores = np.empty((X.shape[0], len(sets)))
    for start, ranks in _ranks(X, columns):
        sums = ranks @ members[:, columns].T
        others = n_genes * (n_genes + 1) / 2 - sums
        scores[start : start + len(ranks)] = sums / sizes - others / (n_genes - sizes)
    if not isinstance(gene_set, Mapping):
        return scores[:, 0]
    return dict(zip(sets, scores.T, strict=True))


def _members(shape: tuple[int, ...], genes: Sequence[str], sets: Mapping[str, Iterable[str]]) -> NDArray[np.bool_]:
    """Whether each set has each gene, (n_sets, n_genes), after all checks."""
    lists_of_names([genes, *sets.values()])
    names = list(genes)
    if len(shape) != 2 or shape[1] != len(names):
        raise ValueError(f"expression has the shape {shape}, but there are {len(names)} genes: pass profiles × genes")
    if len(set(names)) < len(names):
        raise ValueError(f"genes has {len(names) - len(set(names))} duplicates: pass each gene once")
    if not sets:
        raise ValueError("there is no gene set: pass at least one")
    found = np.zeros((len(sets), len(names)), bool)
    for row, (name, symbols) in zip(found, sets.items(), strict=True):
        wanted = frozenset(symbols)
        row[:] = [gene in wanted for gene in names]
        if not row.any():
            raise ValueError(f"none of the {len(wanted)} genes of {name!r} is among the {len(names)} genes")
        if row.all():
            raise ValueError(f"{name!r} has all {len(names)} genes: it has no others to be compared with")
    return found


def _ranks(X: Any, columns: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Ranks of these columns within each row, from 1 for the lowest value; blocks of rows, each with its first row."""
    size = max(1, _BLOCK_VALUES // max(1, X.shape[1]))
    for start in range(0, X.shape[0], size):
        rows = X[start : start + size]
        is_sparse = hasattr(rows, "indptr")
        values = rows.data if is_sparse else rows
        if not np.isfinite(values).all():
            raise ValueError("expression has missing or infinite values: leave these genes or profiles out")
        if is_sparse:
            rows.sum_duplicates()
            chosen = rows[:, columns].toarray()
            present = [rows.data[a:b] for a, b in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)]
        else:
            chosen, present = rows[:, columns], list(rows)
        yield start, np.array([_mean_ranks(*row, X.shape[1]) for row in zip(present, chosen, strict=True)])


def _mean_ranks(present: NDArray[Any], chosen: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Mean rank of each ``chosen`` value among ``n``: those ``present`` that are not 0, and zeros."""
    ordered = np.sort(present[present != 0])
    n_zero = n - len(ordered)
    lower = np.searchsorted(ordered, chosen, "left") + n_zero * (chosen > 0)
    upper = np.searchsorted(ordered, chosen, "right") + n_zero * (chosen >= 0)
    return (lower + upper + 1) / 2
