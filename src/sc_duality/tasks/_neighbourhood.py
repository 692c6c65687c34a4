"""What tasks on neighbourhoods of cells share: which cells are near to each other, and how many a prompt shows."""

from __future__ import annotations

from dataclasses import dataclass

from .._validation import positive_integer
from ._cell_group import check_n_cells
from ._task import Task


@dataclass(frozen=True, kw_only=True, eq=False)
class NeighbourhoodTask(Task):
    """A task on cells that lie near to each other.

    Parameters
    ----------
    radius
        Cells within this distance are neighbours, in the unit of the coordinates. By default 3 times the median
        distance of a cell to the nearest one.
    spatial_key
        ``obsm`` array of the coordinates.
    library_key
        ``obs`` column of the samples (slides, sections): no neighbourhood crosses samples.
    connectivity_key
        ``obsp`` matrix whose nonzero entries are the neighbours, such as squidpy's ``"spatial_connectivities"``,
        instead of a radius.
    n_cells
        Cells of a prompt at most, up to 20.
    n_genes
        Genes of each cell at most; by default as many as fit into the context of the model.
    prompt_format, vocabulary
        See :class:`Task`.
    """

    radius: float | None = None
    spatial_key: str = "spatial"
    library_key: str | None = None
    connectivity_key: str | None = None
    n_cells: int = 10
    n_genes: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_n_cells(self.n_cells)
        if self.n_genes is not None:
            positive_integer("n_genes", self.n_genes)
