"""Cell sentences of a store on disk, written into it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..cells import adata_keys, plan_ranking, row_bounds, sentence_fields
from ._store import forget, names, new_array, opened, remember, shell

logger = logging.getLogger(__name__)


def write_sentences(
    path: str | Path,
    n_genes: int | None = None,
    *,
    layer: str | None = None,
    use_raw: bool = False,
    genes: Sequence[str] | np.ndarray | pd.Series | None = None,
    exclude: str | Sequence[str] | None = "housekeeping",
    gene_symbols: str | None = None,
    mod: str = "rna",
    key_added: str = adata_keys.SENTENCE,
    rng: int | np.random.Generator | None = 0,
) -> None:
    """Write every cell of a store on disk as a sentence, into the same store.

    Expression is read and sentences are written one block of cells at a time, so that memory does not grow with
    the number of cells, but for some 30 bytes a cell. The sentences are those of :func:`sc_duality.pp.cell_sentences`.

    Parameters
    ----------
    path
        An h5ad, h5mu or zarr store. Nothing else may have an h5ad or h5mu open meanwhile.
    n_genes, layer, use_raw, genes, exclude, gene_symbols, rng
        As for :func:`sc_duality.pp.cell_sentences`.
    mod
        Modality of a MuData.
    key_added
        Key under which the sentences are stored. What lay there before is deleted first.

    Returns
    -------
    None. The store gets the fields of :func:`sc_duality.pp.cell_sentences`, ``uns[key_added]`` last: if the work is
    killed before, no tool takes the sentences for whole. That holds for zarr; HDF5 promises nothing about a file
    whose writer was killed.

    Raises
    ------
    FileNotFoundError, OSError
        There is no such store, or it is open elsewhere.
    KeyError, TypeError, ValueError
        As for :func:`sc_duality.pp.cell_sentences`; no sentences are written then.

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
    with opened(path, mod) as group:
        adata = shell(group)
        ranking = plan_ranking(
            adata,
            names(group),
            n_genes,
            layer=layer,
            use_raw=use_raw,
            genes=genes,
            exclude=exclude,
            gene_symbols=gene_symbols,
            rng=rng,
        )
        marks = adata_keys.vocabulary(key_added)
        forget(group, key_added, [], [key_added, marks])
        try:
            ranking.write(new_array(group, key_added, ranking.shape, row_bounds(ranking.X)[0][1]))
        except ValueError:
            forget(group, key_added, [], [key_added])
            raise
        fingerprints, told = sentence_fields(ranking.vocabulary, ranking.params, adata.n_obs)
        remember(group, key_added, told, {}, {marks: fingerprints})
    logger.info("wrote %d sentences of up to %d genes into %s: obsm[%r]", *ranking.shape, path, key_added)
