"""Whether cells are of one niche."""

from __future__ import annotations

from dataclasses import dataclass

from ._same_group import SameGroup


@dataclass(frozen=True, kw_only=True, eq=False)
class SameNiche(SameGroup):
    """Several cells → whether all have the same niche; dual: answer and observed cells → hidden genes or cells.

    The task "same niche prediction" of C2S-Scale (§2.5, §4.7.7). In training, half of the examples have cells of one
    niche of a sample, half a cell and others from other niches. The matched half of these and the dual are ours.

    Parameters
    ----------
    truth
        ``obs`` column with the niche of each cell, for training with labels. Coordinates are read without it only:
        then half of the prompts have a cell with neighbours.
    cell_type, groupby, hidden, labels
        See :class:`SameGroup`.
    radius, spatial_key, library_key, connectivity_key, n_cells, n_genes, prompt_format, vocabulary
        See :class:`NeighbourhoodTask`.

    Examples
    --------
    >>> from sc_duality.tasks import CellGroupExample, SameNiche
    >>> example = CellGroupExample(cells=(("CD79A", "MS4A1"), ("CD3E",)), options=("yes", "no"))
    >>> SameNiche().question(example).parse("<answer>No</answer>").value
    'no'
    """

    name = "same_niche"
