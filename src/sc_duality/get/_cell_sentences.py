"""Cell sentences as text and as lists of genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..cells import adata_keys, modality, read_sentences

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def cell_sentences(
    adata: AnnData | MuData, *, sentence_key: str = adata_keys.SENTENCE, n_genes: int | None = None, mod: str = "rna"
) -> pd.Series:
    """Cell sentences as text: gene names, highest expression first, joined by spaces.

    For gene names that contain spaces, use :func:`sc_duality.get.gene_lists`.

    Parameters
    ----------
    adata
        Cells with sentences.
    sentence_key
        ``obsm`` key of the sentences.
    n_genes
        Number of genes from the start of each sentence; by default all.
    mod
        Modality of a MuData.

    Returns
    -------
    Series of n_obs texts, indexed by ``obs_names``. The text of a cell without expression is empty.

    Raises
    ------
    KeyError
        There are no sentences, or their vocabulary is missing.
    ValueError
        The sentences cannot be decoded, for example after concatenation with other cells. The error says what to do.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> sd.get.cell_sentences(adata, n_genes=3).str.split().str.len().unique().tolist()
    [3]
    """
    data = modality(adata, mod)
    texts = [" ".join(genes) for genes in read_sentences(data, sentence_key).gene_lists(n_genes)]
    return pd.Series(texts, index=data.obs_names, name=sentence_key, dtype=object)


def gene_lists(
    adata: AnnData | MuData, *, sentence_key: str = adata_keys.SENTENCE, n_genes: int | None = None, mod: str = "rna"
) -> list[list[str]]:
    """Cell sentences as lists of gene names, highest expression first.

    Parameters
    ----------
    adata
        Cells with sentences.
    sentence_key
        ``obsm`` key of the sentences.
    n_genes
        Number of genes from the start of each sentence; by default all.
    mod
        Modality of a MuData.

    Returns
    -------
    One list per cell, in the order of ``obs_names``.

    Raises
    ------
    KeyError
        There are no sentences, or their vocabulary is missing.
    ValueError
        The sentences cannot be decoded, for example after concatenation with other cells. The error says what to do.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> len(sd.get.gene_lists(adata, n_genes=5)[0])
    5
    """
    return read_sentences(modality(adata, mod), sentence_key).gene_lists(n_genes)
