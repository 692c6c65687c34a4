"""Rank a store on disk, and write the cell sentences into it."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..cells import (
    adata_keys,
    check_name,
    check_new_sentences,
    plan_ranking,
    row_bounds,
    sentence_fields,
    written_fields,
)
from ._lazy_store import open_fields, open_lazy
from ._store import create_array, delete_result, n_bytes, open_store, write_result

logger = logging.getLogger(__name__)


def write_sentences(
    path: str | Path,
    n_genes: int | None = None,
    *,
    layer: str | None = None,
    use_raw: bool | None = None,
    genes: Sequence[str] | np.ndarray | pd.Series | None = None,
    exclude: str | Sequence[str] | None = "housekeeping",
    gene_symbols: str | None = None,
    mod: str = "rna",
    key_added: str = adata_keys.SENTENCE,
    rng: int | np.random.Generator | None = 0,
) -> None:
    """Write every cell of a store on disk as a sentence, into the same store.

    Expression is read and sentences are written in blocks of cells, so memory grows by only about 30 bytes per cell.
    The sentences are those of :func:`sc_duality.pp.cell_sentences`.

    Parameters
    ----------
    path
        An h5ad, h5mu or zarr store. Others may read it meanwhile, but not write it.
    n_genes, layer, use_raw, genes, exclude, gene_symbols, rng
        As for :func:`sc_duality.pp.cell_sentences`.
    mod
        Modality of a MuData.
    key_added
        ``obsm`` and ``uns`` key of the sentences. Earlier sentences under this key are replaced; anything else is
        refused.

    Returns
    -------
    None. The store gets the fields of :func:`sc_duality.pp.cell_sentences`, all at once or, if the call fails or is
    killed, none: see :func:`sc_duality.io.write_results`.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The store does not exist, is read-only, damaged or open for writing elsewhere, or the disk is full.
    KeyError, TypeError, ValueError
        As for :func:`sc_duality.pp.cell_sentences`, or the store has another format.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import anndata as ad
    >>> import sc_duality as sd
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "cells.h5ad"
    ...     sd.datasets.pbmc3k().write_h5ad(path)
    ...     sd.io.write_sentences(path)
    ...     adata = ad.read_h5ad(path)
    >>> adata.obsm["cell_sentence"].shape
    (317, 200)
    """
    check_name("key_added", key_added)
    with open_store(path, mod) as store:
        fields = open_fields(store.group, [key_added])
        check_new_sentences(fields, key_added)
        data = open_lazy(store.group)
        if data.n_obs == 0 or len(data.var) == 0:
            raise ValueError(f"{str(path)!r} is empty: {data.n_obs} cells × {len(data.var)} genes")
        ranking = plan_ranking(
            data,
            n_genes,
            layer=layer,
            use_raw=use_raw,
            genes=genes,
            exclude=exclude,
            gene_symbols=gene_symbols,
            rng=rng,
        )
        fingerprints, uns = sentence_fields(ranking.genes, ranking.params, ranking.shape[0])
        ranks_bytes = math.prod(ranking.shape) * np.dtype(np.int32).itemsize
        old = written_fields(fields, key_added)
        if old.layers:  # stay, and will be replaced by their name
            uns[adata_keys.LAYERS] = list(old.layers)
        with store.changed(ranks_bytes + n_bytes([fingerprints, uns])) as group:
            delete_result(group, key_added, [], old.obsm, [])
            ranking.write(create_array(group, key_added, ranking.shape, row_bounds(ranking.X)[0][1]))
            write_result(group, {key_added: uns}, {}, {adata_keys.vocabulary(key_added): fingerprints}, {})
    logger.info("wrote %d sentences of up to %d genes into %s: obsm[%r]", *ranking.shape, path, key_added)
