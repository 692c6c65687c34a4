"""Expression to cell sentences."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import _keys, _sentences
from .._data import layer_names, matrix, modality, row_blocks, seed
from .._genes import may_enter
from ._rank import rank

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Length of a sentence when none is asked for.
N_GENES = 200


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
    key_added: str = _keys.SENTENCE,
    rng: int | np.random.Generator | None = 0,
    copy: bool = False,
) -> AnnData | MuData | None:
    """Write every cell as a sentence: its genes by expression, highest first.

    Any measure that grows with expression within a cell gives the same sentence: raw counts, counts per 10,000 and
    their logarithm alike. Values that compare genes between cells (scaled, regressed out) do not, and their negative
    numbers are refused. Genes of equal expression come in a random order that is a hash of ``rng``, the name of the
    cell and the name of the gene, so a cell's sentence is the same alone and among any others, in any order of cells
    and genes. Zeros never enter; a sentence shorter than ``n_genes`` is padded. Names keep their spelling.

    A sparse (CSR) matrix in memory is read in place; any other, in memory, backed, dask or lazy, is read by blocks
    of rows, so that memory grows with the sentences only.

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
        Genes that may enter: a mask over ``var`` or a list of names. All by default.
    exclude
        Genes that may not enter: ``"housekeeping"`` (mitochondrial genes ``MT-*``, ribosomal proteins ``RPL*`` and
        ``RPS*`` but not the kinases ``RPS6K*``, and ``MALAT1``, in upper or lower case; they rank high in every cell
        and differ more by technology than by cell type), another regular expression that is searched in the names, a
        list of names, or None for no exclusion.
    gene_symbols
        Column of ``var`` with the names of the genes, when they are not ``var_names``. Genes without a name there
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
        No cell, no gene is left, ``n_genes`` is not between 1 and their number, names are Ensembl ids or not unique,
        or expression is negative, NaN or infinite. Nothing has been written then.

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
    X, holder = matrix(data, layer=layer, use_raw=use_raw)
    names, chosen = may_enter(holder, genes=genes, exclude=exclude, gene_symbols=gene_symbols)
    vocabulary = names[chosen]
    n_genes = _width(n_genes, len(vocabulary))
    start = seed(rng)
    word = np.where(chosen, np.cumsum(chosen) - 1, -1).astype(np.int32)
    ranks, unusable = _ranks(X, word, vocabulary, data.obs_names, n_genes, start)
    if unusable.any():
        raise ValueError(_refusal(unusable, data, layer, use_raw))

    params = {
        "n_genes": n_genes,
        "layer": layer,
        "use_raw": use_raw,
        "exclude": exclude if exclude is None or isinstance(exclude, str) else np.asarray(list(exclude), dtype=object),
        "gene_symbols": gene_symbols,
        "rng": start,
        "version": version("sc-duality"),
    }
    result = adata.copy() if copy else adata
    given = {name: value for name, value in params.items() if value is not None}
    _sentences.write(modality(result, mod), key_added, ranks, vocabulary, given)
    empty = int((ranks[:, 0] == _keys.PADDING).sum())
    if empty:
        logger.warning("%d of %d cells express no gene that may enter: their sentences are empty", empty, len(ranks))
    logger.info("wrote %d sentences of up to %d of %d genes: obsm[%r]", *ranks.shape, len(vocabulary), key_added)
    return result if copy else None


def _width(n_genes: int | None, available: int) -> int:
    if n_genes is None:
        return min(N_GENES, available)
    if isinstance(n_genes, bool) or not isinstance(n_genes, int | np.integer) or n_genes < 1:
        raise ValueError(f"n_genes must be a positive integer, got {n_genes!r}")
    if n_genes > available:
        raise ValueError(f"n_genes={n_genes}, but only {available} genes may enter: pass {available} or less")
    return int(n_genes)


def _ranks(
    X: Any, word: np.ndarray, vocabulary: np.ndarray, cells: pd.Index, n_genes: int, start: int
) -> tuple[np.ndarray, np.ndarray]:
    """The ranked matrix, and the numbers of negative, NaN and infinite values."""
    gene_hash = pd.util.hash_array(vocabulary)
    cell_hash = pd.util.hash_array(np.asarray(cells, dtype=object)) + np.uint64(start)
    ranks = np.full((len(cells), n_genes), _keys.PADDING, np.int32)
    unusable = np.zeros(3, np.int64)
    for first, rows in row_blocks(X, "cell sentences"):
        part = slice(first, first + rows.shape[0])
        unusable += rank(rows, word, gene_hash, cell_hash[part], ranks[part])
    return ranks, unusable


def _refusal(unusable: np.ndarray, adata: AnnData, layer: str | None, use_raw: bool) -> str:
    """Why the matrix cannot be ranked, and which one of the others can."""
    name = ".raw" if use_raw else "X" if layer is None else f"layer {layer!r}"
    kinds = zip(unusable, ("negative", "NaN", "infinite"), strict=True)
    counts = ", ".join(f"{n} {kind}" for n, kind in kinds if n)
    others = {f"layer={other!r}": adata.layers[other] for other in layer_names(adata) if other != layer}
    if adata.raw is not None and not use_raw:
        others["use_raw=True"] = adata.raw.X
    if adata.X is not None and (layer is not None or use_raw):
        others["neither layer nor use_raw"] = adata.X
    usable = [argument for argument, X in others.items() if _rankable(X)]
    mend = "no layer nor .raw holds usable values: bring raw counts or their logarithm"
    if usable:
        mend = f"other values are all finite and at least 0: pass {' or '.join(usable)}"
    cause = " (it looks scaled)" if unusable[0] else ""
    return f"{name} holds {counts} values and cannot be ranked{cause}; {mend}"


def _rankable(X: Any) -> bool:
    return X.dtype.kind in "buif" and all(
        bool((rows.data >= 0).all() and np.isfinite(rows.data).all()) for _, rows in row_blocks(X)
    )
