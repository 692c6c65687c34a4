"""Predicted cells and their control cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from ..cells import adata_keys, cell_names, read_sentences, store_sentences


def predicted_and_control(adata: AnnData, key: str) -> tuple[AnnData, AnnData]:
    """Return the predicted cells that have genes, and their control cells, both with sentences under ``key``."""
    if adata_keys.control(key) not in adata.obsm:
        raise KeyError(f"obsm has no {adata_keys.control(key)!r}: pass what sd.tl.perturb returned")
    valid = (read_sentences(adata, key).ranks != adata_keys.PADDING).any(axis=1)
    if not valid.any():
        raise ValueError(f"nothing to draw: none of {adata.n_obs} predicted cells has genes")
    predicted = adata[valid]
    sentences = read_sentences(predicted, adata_keys.control(key))
    control = AnnData(obs=pd.DataFrame(index=cell_names(predicted)))
    store_sentences(control, key, sentences.ranks, sentences.genes, sentences.uns[adata_keys.PARAMS])
    return predicted, control


def gene_means(cells: sparse.csr_matrix) -> np.ndarray:
    """Mean of each gene over cells."""
    return np.asarray(cells.mean(axis=0)).ravel()
