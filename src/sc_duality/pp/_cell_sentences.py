"""Expression to cell sentences."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..cells import adata_keys, cell_names, modality, plan_ranking, store_sentences

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def cell_sentences(
    adata: AnnData | MuData,
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
    copy: bool = False,
) -> AnnData | MuData | None:
    """Write every cell as a sentence: its genes by expression, highest first.

    Any measure that grows with expression within a cell gives the same sentence: raw counts, counts per 10,000 and
    their logarithm alike. Values that compare genes between cells (scaled, regressed out) do not, and their negative
    numbers are refused. Genes of equal expression come in a random order that is a hash of ``rng``, the name of the
    cell and the name of the gene, so a cell's sentence is the same alone and among any others, in any order of cells
    and genes. Zeros never enter; a sentence shorter than ``n_genes`` is padded. Names keep their spelling.

    Where ``var_names`` are Ensembl ids of human genes, with or without a version, the sentences have their approved
    symbols, by a table of HGNC inside the package. An id that the table does not know stays a word, as files of 10x
    Genomics name genes without a symbol; of two ids of one gene, the first takes the symbol.

    A sparse (CSR) matrix in memory is read in place; any other, in memory, backed, dask or lazy, is read by blocks
    of rows, so that memory grows with the sentences only (but a CSC matrix in a file is read as a whole). Chunks of a
    dask array, as of a lazy AnnData, are ranked where dask computes, such as on a cluster. For sentences that are
    themselves too many for memory, see :func:`sc_duality.io.write_sentences`.

    Parameters
    ----------
    adata
        Cells × genes.
    n_genes
        Length of a sentence, K. By default 200, or all genes that may enter if there are fewer.
    layer
        Layer to rank instead of ``X``.
    use_raw
        Rank ``.raw`` instead of ``X``.
    genes
        Genes that may enter: a mask over ``var`` or a list of names, symbols or ``var_names``. All by default.
    exclude
        Genes that may not enter: ``"housekeeping"`` (mitochondrial genes ``MT-*``, ribosomal proteins ``RPL*`` and
        ``RPS*`` but not the kinases ``RPS6K*``, and ``MALAT1``, in upper or lower case; they rank high in every cell
        and differ more by technology than by cell type), another regular expression that is searched in the names, a
        list of names, or None for no exclusion.
    gene_symbols
        Column of ``var`` with the names of the genes, which are then taken as they are. Genes without a name there
        do not enter.
    mod
        Modality of a MuData.
    key_added
        Key under which the sentences are stored.
    rng
        Seed of the order of ties, or a generator to draw it from.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or the copy if ``copy`` is set, with these fields:

    ``obsm[key_added]``
        int32 (n_obs, K): column = rank, value = index into the vocabulary, −1 after the last gene.
    ``obsm[f"{key_added}_vocabulary"]``
        int64 (n_obs, 1): fingerprint of the vocabulary, by which sentences of another vocabulary are recognised.
    ``uns[key_added]``
        ``genes``, the vocabulary: names of the genes that may enter, in the order of the matrix; ``params``.

    Raises
    ------
    KeyError
        There is no such layer, modality, gene or column of ``var``.
    TypeError
        Expression is not numeric, or ``adata`` is neither AnnData nor MuData.
    ValueError
        No cell, no gene is left, ``n_genes`` is not between 1 and their number, names are not unique or Ensembl ids
        of another species, or expression is negative, NaN or infinite. Nothing has been written then.

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
    data = modality(adata, mod)
    ranking = plan_ranking(
        data,
        cell_names(data),
        n_genes,
        layer=layer,
        use_raw=use_raw,
        genes=genes,
        exclude=exclude,
        gene_symbols=gene_symbols,
        rng=rng,
    )
    ranks = np.empty(ranking.shape, np.int32)
    ranking.write(ranks)

    result = adata.copy() if copy else adata
    store_sentences(modality(result, mod), key_added, ranks, ranking.vocabulary, ranking.params)
    n_words = len(ranking.vocabulary)
    logger.info("wrote %d sentences of up to %d of %d genes: obsm[%r]", *ranks.shape, n_words, key_added)
    return result if copy else None
