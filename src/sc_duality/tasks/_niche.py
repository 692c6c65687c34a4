"""The niche of a cell, from the cell and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from ._label_task import LabelExample, LabelTask
from ._neighbourhood import NeighbourhoodTask


@dataclass(frozen=True, kw_only=True)
class NicheExample(LabelExample):
    """A cell with its neighbours, and the niches to choose from.

    Parameters
    ----------
    neighbours
        Cell sentences of the neighbours, the nearest first; none of a cell alone. The dual task shows them next to
        observed genes, and not with the label alone.
    genes, options, observed, hidden_genes, n_hidden_max, truth, context
        See :class:`LabelExample`.
    """

    neighbours: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Niche(NeighbourhoodTask, LabelTask):
    """A cell and its neighbours → its niche; dual: niche and observed genes → hidden genes of the cell.

    The task "niche label prediction" of C2S-Scale (§2.5, §4.7.7). The paper shows the cell alone, as ``n_cells=1``
    does, which needs no coordinates. The dual is ours.

    Parameters
    ----------
    n_cells
        Cells of a prompt at most, the cell and its nearest neighbours: 1 to 20.
    truth, labels
        See :class:`LabelTask`: the ``obs`` column with the niche, such as ``"region"``, and the niches to choose from.
    radius, spatial_key, library_key, connectivity_key, n_genes, prompt_format, vocabulary
        See :class:`NeighbourhoodTask`.

    Examples
    --------
    >>> from sc_duality.tasks import Niche, NicheExample
    >>> options = ("germinal centre", "mantle zone")
    >>> example = NicheExample(genes=("CD79A", "MS4A1"), neighbours=(("CD3E", "IL7R"),), options=options)
    >>> Niche(prompt_format="compact").question(example).prompt
    '<niche> <cell> CD79A MS4A1 <neighbours> <1> CD3E IL7R <label>'
    """

    name = "niche"
