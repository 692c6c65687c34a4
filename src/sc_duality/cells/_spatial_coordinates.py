"""Coordinates of cells in space, and the samples that they are of."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from . import adata_keys
from ._adata import cell_names, check_column, text_column

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)


def spatial_coordinates(adata: AnnData, key: str = adata_keys.SPATIAL) -> NDArray[np.float64]:
    """The coordinates of every cell, (n_obs, 2) or (n_obs, 3), or an error that says what is wrong with them.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> from sc_duality.cells import spatial_coordinates
    >>> adata = sd.datasets.pbmc3k()[:2].copy()
    >>> adata.obsm["spatial"] = np.array([[0, 0], [0, 1]])
    >>> spatial_coordinates(adata)
    array([[0., 0.],
           [0., 1.]])
    """
    if key not in adata.obsm:
        raise KeyError(
            f"obsm has no {key!r}, the coordinates of the cells: pass spatial_key=, one of "
            f"{sorted(map(str, adata.obsm))}"
        )
    values: Any = adata.obsm[key]
    values = values.to_memory() if hasattr(values, "to_memory") else values
    values = values.toarray() if sparse.issparse(values) else values
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"obsm[{key!r}] must hold numbers, the coordinates of the cells") from None
    if found.ndim != 2 or found.shape[1] not in (2, 3):
        raise ValueError(f"obsm[{key!r}] must have 2 or 3 columns, the coordinates of the cells, but is {found.shape}")
    if wrong := np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist():
        raise ValueError(
            f"obsm[{key!r}] has no finite coordinates for {len(wrong)} cells, such as {cell_names(adata)[wrong[0]]!r}: "
            "leave them out"
        )
    return found


def spatial_samples(adata: AnnData, library_key: str | None = None) -> NDArray[np.object_]:
    """The sample of each cell, ``None`` where missing; all cells are of one sample where no column says so.

    ``library_key`` is an ``obs`` column; a table of SpatialData names its own in ``uns["spatialdata_attrs"]``.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.cells import spatial_samples
    >>> adata = sd.datasets.pbmc3k()[:2].copy()
    >>> adata.obs["slide"] = ["s1", None]
    >>> spatial_samples(adata, "slide").tolist(), spatial_samples(adata).tolist()
    (['s1', None], ['all cells', 'all cells'])
    """
    attributes = adata.uns.get("spatialdata_attrs")
    if library_key is None and isinstance(attributes, Mapping) and attributes.get("region_key") in adata.obs:
        library_key = str(attributes["region_key"])
    if library_key is not None:
        check_column(adata, library_key, "library_key")
        return np.asarray(text_column(adata, library_key), dtype=object)
    images = adata.uns.get("spatial")
    if isinstance(images, Mapping) and len(images) > 1:
        logger.warning(
            "uns['spatial'] has %d samples, and all cells are read as one: pass library_key=, an obs column",
            len(images),
        )
    return np.full(adata.n_obs, "all cells", dtype=object)
