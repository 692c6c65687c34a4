"""Write expression as cell sentences."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..cells import adata_keys, check_new_sentences, modality, plan_ranking, store_sentences, writable

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def cell_sentences(
    adata: AnnData | MuData,
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
    copy: bool = False,
) -> AnnData | MuData | None:
    """Write every cell as a sentence: its genes by expression, highest first.

    Raw counts, counts per 10,000 and their logarithm give the same sentence, as they have the same order within a
    cell. Scaled values and residuals have another order: negative values, or genes that all have variance 1 or the same
    maximum. If ``X`` is such a matrix, ``.raw`` or a layer is ranked, and a message says which; if there is none, an
    error says so. Masked values count as 0. Genes of equal expression are ordered by a hash of
    ``rng``, the name of the cell and the name of the gene, so the sentence of a cell does not depend on other cells or
    on the order of cells and genes. Genes with expression 0 are left out; a sentence shorter than ``n_genes`` is
    padded.

    Only genes enter. Features of other kinds (antibodies, hashtags, guides, peaks, control probes) are left out, by
    columns of ``var`` such as ``feature_types`` or ``modality``, or by names such as ``ADT_CD3`` and ``CD3_TotalSeqA``.
    Genes without a name are left out too. A genome (``GRCh38_CD3E``), an Ensembl id (``CD3E_ENSG00000198851``) and
    white space are removed from ``var_names``, and the dots of R become hyphens where that gives a known human gene
    (``HLA.DRA``). Two different names never become one. Other names keep their spelling.

    If ``var_names`` are Ensembl ids of human genes, with or without a version, they are mapped to approved symbols
    with a table of HGNC that is part of the package. An id that the table lacks stays an id. If two ids belong to one
    gene, the first gets the symbol and the second stays an id.

    A sparse (CSR) matrix in memory is read in place. Every other matrix, in memory, backed, dask or lazy, is read in
    blocks of rows, so memory grows only with the sentences; a CSC matrix in a file is the exception and is loaded
    into memory. Chunks of a dask array, such as those of a lazy AnnData, are ranked by dask, on its threads or its
    cluster. If the sentences themselves exceed memory, use :func:`sc_duality.io.write_sentences`.

    Parameters
    ----------
    adata
        Cells × genes.
    n_genes
        Length of a sentence, K. By default 200, or the size of the vocabulary if that is smaller.
    layer
        Layer to rank. By default ``X``, if it holds counts or their logarithm; else, with a message, ``.raw``, or the
        layer with whole numbers and most expressed values.
    use_raw
        Rank ``.raw``; ``False`` ranks ``X`` in any case.
    genes
        Genes that may enter a sentence: a mask over ``var`` or a list of symbols or ``var_names``. By default all.
    exclude
        Genes to leave out: ``"housekeeping"``, a regular expression that is searched in the names, a list of names,
        or None. Housekeeping genes are mitochondrial genes ``MT-*``, ribosomal proteins ``RPL*`` and ``RPS*`` but not
        the kinases ``RPS6K*``, and ``MALAT1``, in upper or lower case. They rank high in every cell and differ more
        between technologies than between cell types.
    gene_symbols
        Column of ``var`` with gene symbols, which are used unchanged. Genes without a symbol are left out.
    mod
        Modality of a MuData.
    key_added
        ``obsm`` and ``uns`` key of the sentences.
    rng
        Seed for the order of genes with equal expression, or a generator.
    copy
        Return a copy and leave ``adata`` unchanged.

    Returns
    -------
    None, or the copy if ``copy`` is set, with these fields:

    ``obsm[key_added]``
        int32 (n_obs, K): column = rank, value = index into the vocabulary, −1 after the last gene.
    ``obsm[f"{key_added}_vocabulary"]``
        int64 (n_obs, 1): fingerprint of the vocabulary, which detects sentences with another vocabulary.
    ``uns[key_added]``
        ``genes``, the vocabulary: names of the genes that may enter, in the order of the matrix; and ``params``.

    Raises
    ------
    KeyError
        There is no such layer, modality, gene or column of ``var``.
    TypeError
        Expression is not numeric, or ``adata`` is neither AnnData nor MuData.
    ValueError
        There are no cells or no genes, ``n_genes`` is not between 1 and the size of the vocabulary, gene names are
        not unique or are Ensembl ids of another species, or expression is negative, NaN or infinite. Nothing is
        written then.

    See Also
    --------
    sc_duality.get.cell_sentences : the sentences as text.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd
    >>> import sc_duality as sd
    >>> genes = pd.DataFrame(index=["CD79A", "MS4A1", "CD3E", "NKG7", "MT-CO1"])
    >>> counts = np.array([[9, 4, 0, 1, 7], [0, 0, 5, 3, 8]], dtype="float32")
    >>> adata = ad.AnnData(counts, pd.DataFrame(index=["cell1", "cell2"]), genes)
    >>> sd.pp.cell_sentences(adata)
    >>> sd.get.cell_sentences(adata).tolist()
    ['CD79A MS4A1 NKG7', 'CD3E NKG7']
    """
    check_new_sentences(modality(adata, mod), key_added)
    result, data = writable(adata, mod, copy=copy)
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
    sentences = ranking.compute()

    store_sentences(data, key_added, sentences.ranks, sentences.genes, sentences.params)
    n_vocabulary = len(sentences.genes)
    logger.info("wrote %d sentences of up to %d of %d genes: obsm[%r]", *ranking.shape, n_vocabulary, key_added)
    return result if copy else None
