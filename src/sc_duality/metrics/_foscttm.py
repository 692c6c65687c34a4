"""FOSCTTM: whether the embedding of a cell is nearer to its own pseudobulk than to others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import named_groups, population

#: Differences of cosines up to this are rounding.
_SAME = 1e-9


class Foscttm(NamedTuple):
    """Fraction of samples closer than the true match, in both directions: 0 is perfect, 0.5 is chance."""

    #: Mean over the cells of the share of other pseudobulks that are nearer to the cell than its own.
    cell_to_bulk: float
    #: Mean over the cells of the share of cells of other groups that are nearer to its pseudobulk than the cell.
    bulk_to_cell: float


def foscttm(x: ArrayLike, y: ArrayLike | None, groups: ArrayLike, *, leave_out: bool = False) -> Foscttm:
    """Fraction of samples closer than the true match, between cells and the pseudobulks of their groups.

    Parameters
    ----------
    x
        Embedding of the cells, (n, d).
    y
        Embedding of the pseudobulks, (m, d); None for the mean of ``x`` over the cells of each group.
    groups
        Group of each cell, (n,): row of its own pseudobulk in ``y``, an integer; without ``y`` any names.
    leave_out
        Whether each cell is left out of the mean of its own group, which otherwise holds it. With ``y``, embed
        pseudobulks of other cells of the groups instead, as ``sd.tl.embed(adata[~sampled], groupby=...)`` does.

    Returns
    -------
    A named pair ``cell_to_bulk``, ``bulk_to_cell``, each from 0 (every cell is nearest to its own pseudobulk) to 1;
    0.5 is chance.

    Raises
    ------
    ValueError
        Shapes do not match, values are missing or a vector is 0, there are fewer than two groups, a group is not a row
        of ``y``, or ``leave_out`` is asked for with ``y`` or for a group of one cell.

    Notes
    -----
    C2S-Scale §4.7.4, by cosine similarity. Cells of one group share a pseudobulk, so that only strictly nearer
    pseudobulks of other groups count, out of their number. The paper leaves each cell in its own pseudobulk, and shows
    one direction.

    Examples
    --------
    >>> from sc_duality.metrics import foscttm
    >>> cells, bulks = [[1.0, 0.1], [0.2, 1.0], [0.9, 1.0]], [[1.0, 0.0], [0.0, 1.0]]
    >>> foscttm(cells, bulks, [0, 1, 0])
    Foscttm(cell_to_bulk=0.3333333333333333, bulk_to_cell=0.0)
    """
    cells = _unit(population(x, "x"), "x")
    if y is None:
        codes, own, bulks = _means(population(x, "x"), np.asarray(groups), leave_out)
    else:
        if leave_out:
            raise ValueError("leave_out=True needs y=None: embed pseudobulks of cells that are not in x instead")
        bulks = _unit(population(y, "y"), "y")
        codes = _rows(groups, len(cells), len(bulks))
        own = bulks[codes]
    if cells.shape[1] != bulks.shape[1]:
        raise ValueError(f"x has {cells.shape[1]} dimensions and y {bulks.shape[1]}: embed them by one model")
    if len(bulks) < 2 or len(np.unique(codes)) < 2:
        raise ValueError("cells of two groups or more are needed: one has no other to be nearer to")
    match = (cells * own).sum(1)
    others = np.arange(len(bulks))[None] != codes[:, None]
    nearer = ((cells @ bulks.T > match[:, None] + _SAME) & others).sum(1) / (len(bulks) - 1)
    of_others = codes[:, None] != codes[None]
    reverse = ((own @ cells.T > match[:, None] + _SAME) & of_others).sum(1) / of_others.sum(1)
    return Foscttm(float(nearer.mean()), float(reverse.mean()))


def _means(
    cells: NDArray[np.float64], groups: NDArray[np.generic], leave_out: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Index of the group of each cell, the mean that is its own, and the mean of each group, of length 1."""
    if groups.shape != (len(cells),):
        raise ValueError(f"groups has the shape {groups.shape} for {len(cells)} cells: pass one for each")
    names, codes, counts = np.unique(named_groups(groups, "groups"), return_inverse=True, return_counts=True)
    if leave_out and counts.min() < 2:
        raise ValueError(f"the group {str(names[counts.argmin()])!r} has one cell, and leave_out=True needs two")
    sums = np.zeros((len(names), cells.shape[1]))
    np.add.at(sums, codes, cells)
    own = sums[codes] - cells if leave_out else sums[codes]
    return codes, _unit(own, "the mean of groups in x"), _unit(sums, "the mean of groups in x")


def _rows(groups: ArrayLike, n_cells: int, n_bulks: int) -> NDArray[np.int64]:
    found = np.asarray(groups)
    if found.shape != (n_cells,) or found.dtype.kind not in "iu":
        raise ValueError(
            f"groups must be integers ({n_cells},), the row of y of each cell, got {found.dtype} {found.shape}: "
            "y.obs_names.get_indexer(names) gives them"
        )
    if found.min() < 0 or found.max() >= n_bulks:
        raise ValueError(f"groups holds rows from {found.min()} to {found.max()}, but y has {n_bulks} rows")
    return found.astype(np.int64)


def _unit(vectors: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (norms > 0).all():
        raise ValueError(f"{int((norms == 0).sum())} vectors of {name} are 0, which have no cosine: leave them out")
    return vectors / norms
