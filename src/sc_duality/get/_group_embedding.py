"""Vectors of groups of cells, as AnnData."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from ..cells import adata_keys, in_memory, modality

if TYPE_CHECKING:
    from mudata import MuData


def group_embedding(adata: AnnData | MuData, key: str = adata_keys.EMBEDDING, *, mod: str = "rna") -> AnnData:
    """Vectors of groups of cells that :func:`sc_duality.tl.embed` wrote with ``groupby``, one row a group.

    Parameters
    ----------
    adata
        Cells with a result of :func:`sc_duality.tl.embed`.
    key
        Name of the result.
    mod
        Modality of a MuData.

    Returns
    -------
    AnnData, groups × width: ``X`` holds the vectors, ``obs`` the columns of ``groupby`` and ``n_cells``. Use it as in
    ``scanpy.pp.neighbors(groups, use_rep="X")``.

    Raises
    ------
    KeyError
        There is no such result, or it is of cells.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[:60].copy()
    >>> sd.tl.embed(adata, groupby="cell_type")
    >>> groups = sd.get.group_embedding(adata)
    >>> groups.obs.columns.tolist(), groups.n_vars
    (['cell_type', 'n_cells'], 192)
    """
    entry = modality(adata, mod).uns.get(key)
    if not isinstance(entry, Mapping) or adata_keys.VECTORS not in entry:
        raise KeyError(
            f"uns[{key!r}] has no vectors of groups: run sd.tl.embed(adata, groupby=..., key_added={key!r}) first"
        )
    vectors = np.asarray(entry[adata_keys.VECTORS], dtype=np.float32)
    return AnnData(vectors.copy(), in_memory(entry[adata_keys.GROUPS]).copy())
