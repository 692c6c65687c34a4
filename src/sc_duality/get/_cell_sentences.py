"""Cell sentences as text and as lists of genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..cells import adata_keys, modality, read_sentences

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def cell_sentences(
    adata: AnnData | MuData, *, key: str = adata_keys.SENTENCE, n_genes: int | None = None, mod: str = "rna"
) -> pd.Series:
    """Cell sentences as text: names of genes, highest expression first, joined by spaces.

    Where names hold spaces themselves, :func:`sc_duality.get.gene_lists` keeps them apart.

    Parameters
    ----------
    adata
        Cells with sentences.
    key
        Key of the sentences.
    n_genes
        Genes to take from the start of each sentence; all by default.
    mod
        Modality of a MuData.

    Returns
    -------
    Series of n_obs texts, indexed by ``obs_names``. The text of a cell that expresses nothing is empty.

    Raises
    ------
    KeyError
        There are no sentences, or their vocabulary is lost.
    ValueError
        The sentences cannot be decoded, as after concatenation with others; the message says what to do.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> sd.get.cell_sentences(adata, n_genes=3).str.split().str.len().unique().tolist()
    [3]
    """
    data = modality(adata, mod)
    texts = [" ".join(words) for words in read_sentences(data, key).words(n_genes)]
    return pd.Series(texts, index=data.obs_names, name=key, dtype=object)


def gene_lists(
    adata: AnnData | MuData, *, key: str = adata_keys.SENTENCE, n_genes: int | None = None, mod: str = "rna"
) -> list[list[str]]:
    """Cell sentences as lists of gene names, highest expression first.

    Parameters
    ----------
    adata
        Cells with sentences.
    key
        Key of the sentences.
    n_genes
        Genes to take from the start of each sentence; all by default.
    mod
        Modality of a MuData.

    Returns
    -------
    A list for each cell, in the order of ``obs_names``.

    Raises
    ------
    KeyError
        There are no sentences, or their vocabulary is lost.
    ValueError
        The sentences cannot be decoded, as after concatenation with others; the message says what to do.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> len(sd.get.gene_lists(adata, n_genes=5)[0])
    5
    """
    return read_sentences(modality(adata, mod), key).words(n_genes)
