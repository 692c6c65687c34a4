"""Whether cell sentences still describe the matrix and the gene names that they were written from."""

from __future__ import annotations

import logging
from functools import partial

import numpy as np
from anndata import AnnData
from scipy import sparse

from .._compiled import compiled
from . import adata_keys
from ._adata import matrix
from ._gene_filter import gene_columns, select_genes
from ._ranking import default_sentences
from ._row_blocks import map_rows
from ._storage import Sentences

logger = logging.getLogger(__name__)


def current_sentences(adata: AnnData, sentence_key: str, sentences: Sentences) -> Sentences:
    """The stored sentences, or new ones if they are outdated and a tool wrote them; ``adata`` is not changed.

    Sentences of :func:`sc_duality.pp.cell_sentences` are kept, with a warning. So are sentences whose matrix cannot be
    compared any more: it is gone, has been scaled, or has fewer genes.
    """
    change = _change(adata, sentences)
    if change is None:
        return sentences
    if sentences.params.get(adata_keys.AUTOMATIC):
        logger.warning("%s since obsm[%r] was written: the sentences are written anew", change, sentence_key)
        params = sentences.params
        return default_sentences(adata, params.get("layer"), bool(params.get("use_raw")), params.get("exclude"))
    logger.warning(
        "%s since obsm[%r] was written: run sd.pp.cell_sentences(adata, key_added=%r) again to use the present state",
        *(change, sentence_key, sentence_key),
    )
    return sentences


def _change(adata: AnnData, sentences: Sentences) -> str | None:
    """What has changed since the sentences were ranked; ``None`` if nothing has, or it cannot be told."""
    params = sentences.params
    if "rng" not in params:  # generated, not ranked
        return None
    gene_symbols = params.get("gene_symbols")
    try:
        X, holder = matrix(adata, layer=params.get("layer"), use_raw=bool(params.get("use_raw", False)))
        columns = gene_columns(sentences.genes, holder, gene_symbols)
        names, selected = select_genes(holder, genes=None, exclude=params.get("exclude"), gene_symbols=gene_symbols)
    except (KeyError, ValueError):  # the matrix, its column of symbols or unique names are gone
        return None
    if (columns < 0).any():
        has_new_names = bool(set(names[selected]) - set(sentences.genes.tolist()))
        return "gene names have changed" if has_new_names and not params.get(adata_keys.CHOSEN_GENES) else None
    vocab_index = np.full(len(names), -1, np.int32)
    vocab_index[columns] = np.arange(len(columns))
    check = partial(_check_block, vocab_index=vocab_index)
    counts = np.zeros(2, np.int64)
    for _, found in map_rows(X, check, np.asarray(sentences.ranks)):
        counts += found
    n_changed, n_unusable = counts.tolist()
    changed = n_changed and not n_unusable
    return f"the expression of {n_changed} of {adata.n_obs} cells has changed" if changed else None


def _check_block(rows: sparse.csr_matrix, ranks: np.ndarray, *, vocab_index: np.ndarray) -> np.ndarray:
    """Numbers of rows whose sentence is not their ranking, and of values that cannot be ranked."""
    expression = np.zeros(vocab_index.max() + 1, rows.dtype)
    return _count_changed(rows.data, rows.indices, rows.indptr, vocab_index, ranks, expression)


@compiled
def _count_changed(
    data: np.ndarray,
    indices: np.ndarray,
    indptr: np.ndarray,
    vocab_index: np.ndarray,
    ranks: np.ndarray,
    expression: np.ndarray,
) -> np.ndarray:
    """A sentence is the ranking of its row if its values fall and no other gene has a higher one than its last.

    Ties may have any order, so new cell names and rounding do not count as a change.
    """
    n_changed, n_unusable = 0, 0
    for i in range(len(ranks)):
        start, stop = indptr[i], indptr[i + 1]
        n_expressed = 0
        for j in range(start, stop):
            gene = vocab_index[indices[j]]
            n_unusable += not (data[j] >= 0 and data[j] < np.inf)
            if gene >= 0 and data[j] > 0:
                expression[gene] = data[j]
                n_expressed += 1
        length, n_last, falls = 0, 0, True
        last = np.inf
        for gene in ranks[i]:
            if gene < 0:
                break
            value = expression[gene]
            falls &= (value > 0) & (value <= last)
            n_last = n_last + 1 if value == last else 1
            last = value
            length += 1
        n_higher = 0
        for j in range(start, stop):
            gene = vocab_index[indices[j]]
            if gene >= 0:
                n_higher += data[j] > last
                expression[gene] = 0
        full = n_expressed == length if length < ranks.shape[1] else n_higher == length - n_last
        n_changed += not (falls and full)
    return np.array([n_changed, n_unusable])
