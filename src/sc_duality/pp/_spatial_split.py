"""Split cells by their coordinates, so that no neighbourhood is in both the training and the test set."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._validation import positive_integer
from ..cells import adata_keys, check_column, check_name, seed, text_column, writable

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

_TRAIN, _TEST, _GAP = "train", "test", "gap"
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
        ``obs`` column of samples, each with coordinates of its own; by default all cells are one sample.
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
        empty, or ``obs[key_added]`` holds something else.

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
    points = _coordinates(data, spatial_key, axis)
    samples = pd.Series("", index=data.obs_names)
    if library_key is not None:
        check_column(data, library_key, "library_key", mod)
        samples = text_column(data, library_key)
    if samples.isna().any():
        raise ValueError(f"{int(samples.isna().sum())} cells have no sample in obs[{library_key!r}]: leave them out")
    check_name("key_added", key_added)
    if key_added in data.obs and not set(data.obs[key_added].dropna()) <= {_TRAIN, _TEST, _GAP}:
        raise ValueError(f"key_added={key_added!r} would overwrite obs[{key_added!r}]: pass another key_added=")

    split = np.full(len(points), _GAP, dtype=object)
    for name in sorted(samples.unique()):
        rows = np.flatnonzero((samples == name).to_numpy())
        where = f" of {library_key}={name!r}" if library_key is not None else ""
        split[rows] = _stripes(points[rows], radius, n_stripes, test_fraction, axis, where, generator)
    data.obs[key_added] = pd.Categorical(split, categories=[_TRAIN, _TEST, _GAP])
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


def _coordinates(data: AnnData, spatial_key: str, axis: int | None) -> NDArray[np.float64]:
    if spatial_key not in data.obsm:
        raise KeyError(f"obsm has no {spatial_key!r}, only {', '.join(data.obsm) or 'nothing'}: pass spatial_key=")
    points = np.asarray(data.obsm[spatial_key], dtype=float)
    if points.ndim != 2:
        raise ValueError(f"obsm[{spatial_key!r}] must be cells × coordinates, its shape is {points.shape}")
    if axis is not None and (isinstance(axis, bool) or axis not in range(points.shape[1])):
        raise ValueError(f"axis={axis!r} is not one of the {points.shape[1]} coordinates in obsm[{spatial_key!r}]")
    n_invalid = int((~np.isfinite(points)).any(axis=1).sum())
    if n_invalid:
        raise ValueError(f"{n_invalid} cells have no finite coordinates in obsm[{spatial_key!r}]: leave them out")
    return points


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
