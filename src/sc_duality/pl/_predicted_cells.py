"""Predicted cells and their control cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from ..cells import Sentences, adata_keys, cell_names, read_sentences, store_sentences


def predicted_and_control(adata: AnnData, key: str) -> tuple[AnnData, AnnData]:
    """Return the predicted cells that have genes, and their control cells, both with sentences under ``key``."""
    if adata_keys.control(key) not in adata.obsm:
        raise KeyError(f"obsm has no {adata_keys.control(key)!r}: pass what sd.tl.perturb returned")
    predicted, control = read_sentences(adata, key), read_sentences(adata, adata_keys.control(key))
    valid = (predicted.ranks != adata_keys.PADDING).any(axis=1)
    if not valid.any():
        raise ValueError(f"nothing to draw: none of {adata.n_obs} predicted cells has genes")
    names = pd.DataFrame(index=cell_names(adata)[valid])
    return _cells(names, predicted, valid, key), _cells(names, control, valid, key)


def _cells(obs: pd.DataFrame, sentences: Sentences, rows: np.ndarray, key: str) -> AnnData:
    """These rows of the sentences as cells of their own; a view of backed cells has no views."""
    cells = AnnData(obs=obs)
    store_sentences(cells, key, sentences.ranks[rows], sentences.genes, sentences.params)
    return cells


def gene_means(cells: sparse.csr_matrix) -> np.ndarray:
    """Mean of each gene over cells."""
    return np.asarray(cells.mean(axis=0)).ravel()
