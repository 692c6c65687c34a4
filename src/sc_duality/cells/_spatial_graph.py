"""Which cells lie near to each other in space: within a radius, or by a graph that squidpy wrote."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from . import adata_keys
from ._spatial_coordinates import spatial_coordinates, spatial_samples

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)

#: The default radius, as a multiple of the median distance to the nearest cell.
RADIUS_FACTOR = 3.0
#: Neighbours of a cell on average, at most.
_MAX_MEAN = 1000
#: Most by which the median nearest distances of two samples may differ for one default radius.
_MAX_RATIO = 10.0


class SpatialGraph(NamedTuple):
    """The neighbours of every cell in space, nearest first, without the cell itself."""

    #: Bounds of each cell in ``indices``, (n_obs + 1,).
    indptr: NDArray[np.int64]
    #: Rows of the neighbours.
    indices: NDArray[np.int64]
    #: Sample of each cell: no neighbourhood crosses samples. ``None`` where it is missing.
    samples: NDArray[np.object_]
    #: Radius in the unit of the coordinates; ``None`` for a graph that was there.
    radius: float | None

    def neighbours(self, row: int) -> NDArray[np.int64]:
        """Rows of the neighbours of a cell."""
        return self.indices[self.indptr[row] : self.indptr[row + 1]]

    @property
    def n_neighbours(self) -> NDArray[np.int64]:
        """Number of neighbours of each cell."""
        return np.diff(self.indptr)


def spatial_graph(
    adata: AnnData,
    radius: float | None = None,
    *,
    spatial_key: str = adata_keys.SPATIAL,
    library_key: str | None = None,
    connectivity_key: str | None = None,
) -> SpatialGraph:
    """The neighbours of every cell in space.

    Parameters
    ----------
    adata
        Cells with coordinates.
    radius
        Cells within this distance are neighbours, in the unit of the coordinates. By default 3 times the median
        distance of a cell to the nearest one.
    spatial_key
        ``obsm`` array of the coordinates, (n_obs, 2) or (n_obs, 3).
    library_key
        ``obs`` column of the samples (slides, sections): neighbours are of one sample. A table of SpatialData names
        this column itself.
    connectivity_key
        ``obsp`` matrix whose nonzero entries are the neighbours, such as squidpy's ``"spatial_connectivities"``.

    Raises
    ------
    KeyError
        There are no such coordinates, samples or connectivities.
    ValueError
        Coordinates are missing or not finite, the radius is not positive or far too large, or no two cells are in one
        sample.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> from sc_duality.cells import spatial_graph
    >>> adata = sd.datasets.pbmc3k()[:4].copy()
    >>> adata.obsm["spatial"] = np.array([[0, 0], [0, 1], [0, 2], [9, 9]])
    >>> graph = spatial_graph(adata, radius=1)
    >>> graph.neighbours(1).tolist(), graph.n_neighbours.tolist()
    ([0, 2], [1, 2, 1, 0])
    """
    samples = spatial_samples(adata, library_key)
    if connectivity_key is not None:
        if radius is not None:
            raise ValueError(
                f"radius={radius!r} and connectivity_key={connectivity_key!r} both say which cells are neighbours: "
                "pass one of them"
            )
        known = spatial_coordinates(adata, spatial_key) if spatial_key in adata.obsm else None
        return _from_pairs(adata, *_connected(adata, connectivity_key), samples, known, None)
    coordinates = spatial_coordinates(adata, spatial_key)
    members = [rows for rows in _rows(samples).values() if len(rows) > 1]
    if not members:
        raise ValueError(
            f"no cell has a neighbour: there are {adata.n_obs} cells, and library_key={library_key!r} puts no two of "
            "them into one sample"
        )
    trees = [cKDTree(coordinates[rows]) for rows in members]
    chosen = _default_radius(trees, spatial_key) if radius is None else _checked_radius(radius)
    n_pairs = sum(int(tree.count_neighbors(tree, chosen)) - tree.n for tree in trees)
    if n_pairs > _MAX_MEAN * adata.n_obs:
        raise ValueError(
            f"radius={chosen:g} gives a cell {n_pairs / adata.n_obs:,.0f} neighbours on average: pass a smaller one. "
            f"The median distance to the nearest cell is {_nearest(trees):g}, in the unit of obsm[{spatial_key!r}]"
        )
    pairs = [rows[tree.query_pairs(chosen, output_type="ndarray")] for rows, tree in zip(members, trees, strict=True)]
    both = np.concatenate([*pairs, *(one[:, ::-1] for one in pairs)])
    return _from_pairs(adata, both[:, 0], both[:, 1], samples, coordinates, chosen)


def _rows(samples: NDArray[np.object_]) -> dict[str, NDArray[np.int64]]:
    return {str(name): np.sort(rows) for name, rows in pd.Series(samples).groupby(samples).indices.items()}


def _checked_radius(radius: Any) -> float:
    is_number = isinstance(radius, int | float | np.number) and not isinstance(radius, bool)
    if not is_number or not np.isfinite(radius) or radius <= 0:
        raise ValueError(f"radius={radius!r} must be a positive number, in the unit of the coordinates")
    return float(radius)


def _nearest(trees: list[cKDTree]) -> float:
    """Median distance to the nearest cell of the same sample."""
    return float(np.median(np.concatenate([tree.query(tree.data, 2)[0][:, 1] for tree in trees])))


def _default_radius(trees: list[cKDTree], spatial_key: str) -> float:
    medians = [_nearest([tree]) for tree in trees]
    if min(medians) == 0:
        raise ValueError(
            f"half of the cells of a sample share their coordinates in obsm[{spatial_key!r}] with another cell: pass "
            "radius=, and library_key= if the coordinates are of several samples"
        )
    if max(medians) > _MAX_RATIO * min(medians):
        raise ValueError(
            f"the median distance to the nearest cell is {min(medians):g} in one sample and {max(medians):g} in "
            f"another: bring obsm[{spatial_key!r}] to one unit, or pass radius="
        )
    found = RADIUS_FACTOR * _nearest(trees)
    logger.info("radius of a neighbourhood: %g, %g times the median distance to the nearest cell", found, RADIUS_FACTOR)
    return found


def _connected(adata: AnnData, key: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if key not in adata.obsp:
        raise KeyError(
            f"obsp has no {key!r}; it has {sorted(map(str, adata.obsp))}: run squidpy.gr.spatial_neighbors, or leave "
            "connectivity_key= out and pass radius="
        )
    matrix = sparse.coo_matrix(adata.obsp[key])
    kept = matrix.data != 0
    return matrix.row[kept].astype(np.int64), matrix.col[kept].astype(np.int64)


def _from_pairs(
    adata: AnnData,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    samples: NDArray[np.object_],
    coordinates: NDArray[np.float64] | None,
    radius: float | None,
) -> SpatialGraph:
    """The graph with these pairs of cells, without those of two samples."""
    same = (first != second) & (samples[first] == samples[second]) & (samples[first] != None)  # noqa: E711
    first, second = first[same], second[same]
    if coordinates is None:
        distance = np.zeros(len(first))
    else:
        distance = np.linalg.norm(coordinates[first] - coordinates[second], axis=1)
    order = np.lexsort((second, distance, first))
    indptr = np.concatenate([[0], np.bincount(first, minlength=adata.n_obs).cumsum()])
    return SpatialGraph(indptr.astype(np.int64), second[order], samples, radius)
