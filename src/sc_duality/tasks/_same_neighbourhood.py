"""Whether cells are of one neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

from ._same_group import SameGroup


@dataclass(frozen=True, kw_only=True, eq=False)
class SameNeighbourhood(SameGroup):
    """Several cells → whether they lie near to each other; dual: answer and observed cells → hidden genes or cells.

    The task "spatial neighborhood prediction" of C2S-Scale (§2.5, §4.7.7). In training, half of the examples have a
    cell and neighbours of it, half the cell and others of its sample that are not its neighbours. The matched half of
    these and the dual are ours.

    Parameters
    ----------
    truth
        Not read: the coordinates say which cells are near.
    cell_type, groupby, hidden, labels
        See :class:`SameGroup`.
    radius, spatial_key, library_key, connectivity_key, n_cells, n_genes, prompt_format, vocabulary
        See :class:`NeighbourhoodTask`.

    Examples
    --------
    >>> from sc_duality.tasks import CellGroupExample, SameNeighbourhood
    >>> example = CellGroupExample(cells=(("CD79A", "MS4A1"), ("CD3E",)), options=("yes", "no"))
    >>> SameNeighbourhood(prompt_format="compact").question(example).prompt
    '<same_neighbourhood> <1> CD79A MS4A1 <2> CD3E <label>'
    """

    name = "same_neighbourhood"
