"""Split cells by their coordinates, so that no neighbourhood is in both the training and the test set."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._validation import positive_integer
from ..cells import adata_keys, check_name, column, seed, spatial_coordinates, spatial_samples, writable

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

_TRAIN, _TEST, _GAP = _SETS = ("train", "test", "gap")
#: Cells at exactly half a radius from a border are in the gap, whatever the rounding of their coordinates.
_ROUNDING = 1 + 1e-9


def spatial_split(
    adata: AnnData | MuData,
    radius: float,
    *,
    n_stripes: int = 10,
    test_fraction: float = 0.2,
    axis: int | None = None,
    library_key: str | None = None,
    spatial_key: str = "spatial",
    key_added: str = adata_keys.SPLIT,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Split cells into stripes for training and testing, with a gap of one radius between them.

    Along one axis, the cells of each sample are cut into stripes of equally many cells. Random stripes are the test
    set. Cells within half a radius of a border between the two sets are in neither, so that no cell of the test set has
    a neighbour in the training set.

    Parameters
    ----------
    adata
        Cells with coordinates.
    radius
        Radius of a neighbourhood, in the unit of the coordinates.
    n_stripes
        Stripes of each sample.
    test_fraction
        Share of the stripes in the test set, at least one stripe and not all.
    axis
        The coordinate to cut along: 0 for x, 1 for y. By default the one in which a sample is longest.
    library_key
        ``obs`` column of samples, each with coordinates of its own. By default that of the table of a SpatialData, or
        all cells are one sample.
    spatial_key
        ``obsm`` key of the coordinates.
    key_added
        Name of the ``obs`` column that is written.
    mod
        Modality of a MuData.
    rng
        Seed of the choice of stripes.
    copy
        Whether to work on a copy and return it.

    Returns
    -------
    ``None``, or the copy. Writes

    ``obs[key_added]``
        ``"train"``, ``"test"`` or ``"gap"`` (categorical).

    Raises
    ------
    KeyError
        There are no such coordinates, or ``obs`` lacks the column.
    ValueError
        A setting or a coordinate is invalid, a sample has fewer cells than stripes, its training or test set would be
        empty, or ``obs[key_added]`` was not written by this function.

    Notes
    -----
    C2S-Scale (§4.7.7) splits by coordinates to prevent leakage; stripes and gap are ours.

    Examples
    --------
    Leave the gap out before training, and hold the test set out:

    >>> import numpy as np
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, 1000, (adata.n_obs, 2))
    >>> sd.pp.spatial_split(adata, radius=20)
    >>> adata.obs["split"].value_counts().index.tolist()
    ['train', 'test', 'gap']
    >>> cells = adata[adata.obs["split"] != "gap"].copy()
    >>> held_out = {"split": ["test"]}  # for sd.tl.train_sft
    """
    _check_settings(radius, positive_integer("n_stripes", n_stripes), test_fraction)
    generator = np.random.default_rng(seed(rng))
    result, data = writable(adata, mod, copy=copy)
    points = spatial_coordinates(data, spatial_key)
    if axis is not None and (isinstance(axis, bool) or axis not in range(points.shape[1])):
        raise ValueError(f"axis={axis!r} is not one of the {points.shape[1]} coordinates in obsm[{spatial_key!r}]")
    samples = pd.Series(spatial_samples(data, library_key))
    if samples.isna().any():
        raise ValueError(
            f"{int(samples.isna().sum())} cells have no sample: leave them out, or pass another library_key="
        )
    check_name("key_added", key_added)
    if key_added in data.obs and not _is_split(column(data, key_added)):
        raise ValueError(
            f"key_added={key_added!r} would overwrite obs[{key_added!r}], which sd.pp.spatial_split did not write: "
            "pass another key_added="
        )

    split = np.full(len(points), _GAP, dtype=object)
    for name in sorted(samples.unique()):
        rows = np.flatnonzero(samples == name)
        where = f" of the sample {name!r}" if len(rows) < len(points) else ""
        split[rows] = _stripes(points[rows], radius, n_stripes, test_fraction, axis, where, generator)
    data.obs[key_added] = pd.Categorical(split, categories=list(_SETS))
    counts = data.obs[key_added].value_counts()
    logger.info("wrote obs[%r]: %s", key_added, ", ".join(f"{counts[name]} {name}" for name in counts.index))
    return result if copy else None


def _check_settings(radius: float, n_stripes: int, test_fraction: float) -> None:
    if isinstance(radius, bool) or not isinstance(radius, int | float | np.number) or not 0 < radius < np.inf:
        raise ValueError(f"radius={radius!r} must be a positive number in the unit of the coordinates")
    if not isinstance(test_fraction, int | float) or not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction={test_fraction!r} must lie between 0 and 1")
    if n_stripes < 2:
        raise ValueError("n_stripes=1 leaves no stripe to train on: pass at least 2")


def _is_split(values: pd.Series) -> bool:
    """Whether a column was written by this function, by its categories."""
    return isinstance(values.dtype, pd.CategoricalDtype) and tuple(values.cat.categories) == _SETS


def _stripes(
    points: NDArray[np.float64],
    radius: float,
    n_stripes: int,
    test_fraction: float,
    axis: int | None,
    where: str,
    rng: np.random.Generator,
) -> NDArray[np.object_]:
    """The set of each cell of one sample."""
    if len(points) < n_stripes:
        raise ValueError(f"the {len(points)} cells{where} do not fill n_stripes={n_stripes}: pass fewer")
    along = points[:, int(np.ptp(points, axis=0).argmax()) if axis is None else axis]
    borders = np.quantile(along, np.arange(1, n_stripes) / n_stripes)
    n_test = min(max(1, round(test_fraction * n_stripes)), n_stripes - 1)
    is_test = np.isin(np.arange(n_stripes), rng.choice(n_stripes, n_test, replace=False))
    split = np.where(is_test[np.searchsorted(borders, along)], _TEST, _TRAIN).astype(object)
    between = borders[is_test[1:] != is_test[:-1]]
    near = np.abs(along[:, None] - between).min(axis=1) <= radius / 2 * _ROUNDING
    split[near] = _GAP
    for name in (_TRAIN, _TEST):
        if name not in split:
            raise ValueError(
                f"radius={radius:g} leaves no {name} cell{where}, whose coordinates span {np.ptp(along):g}: pass a "
                f"smaller radius, or n_stripes below {n_stripes}"
            )
    return split
