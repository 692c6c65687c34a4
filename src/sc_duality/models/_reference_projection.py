"""Embedding of cells by the genes of their sentences, as the reference classifier sees them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

#: Genes of a reference cell's sentence at most: about as many as a model knows of the 200 in a default prompt.
MAX_GENES = 120
#: Genes of a sentence at most where genes outside the vocabulary count too: those of a default prompt.
_MAX_ALL_GENES = 200


def rank_weights(n: int) -> NDArray[np.float32]:
    """Weight of each rank in a cell sentence of ``n`` genes, highest first."""
    return np.reciprocal(np.log2(np.arange(n, dtype=np.float32) + 4))


def project_cells(
    vectors: NDArray[np.float32],
    genes: NDArray[np.unsignedinteger],
    lengths: NDArray[np.unsignedinteger],
    measured: NDArray[np.bool_],
    n_genes: int = MAX_GENES,
    n_vocabulary: int | None = None,
    means: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Embed many cells by the first ``n_genes`` measured genes of their sentences, (n_cells, width).

    Genes of the vocabulary give a unit vector. Where there are further genes, their part follows in columns of its own,
    divided by the same norm; it is 0 for cells in which they were not measured.

    Parameters
    ----------
    vectors
        Gene embeddings, (n_all_genes, width).
    genes
        Sentences of all cells as rows of ``vectors``, one after the other.
    lengths
        Number of genes of each sentence, (n_cells,).
    measured
        Whether each gene was measured, (n_all_genes,).
    n_genes
        Genes of the vocabulary of a cell at most.
    n_vocabulary
        The first rows of ``vectors`` are the vocabulary of the language model, by default all. A gene of the
        vocabulary is weighted by its rank among these, a further gene by its rank among all.
    means
        Mean weight of each further gene, which is subtracted where a cell has any of them.
    """
    weights = weigh_sentences(genes, lengths, measured, n_genes, n_vocabulary)
    n = len(vectors) if n_vocabulary is None else n_vocabulary
    projected = (weights[:, :n] if n < len(vectors) else weights) @ vectors[:n]
    norm = np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    if n == len(vectors):
        return projected / norm
    further = weights[:, n:] @ vectors[n:]
    if means is not None:
        has_further = np.diff(weights[:, n:].tocsr().indptr) > 0
        further[has_further] -= (means * measured[n:]) @ vectors[n:]
    return np.hstack([projected, further]) / norm


def weigh_sentences(
    genes: NDArray[np.unsignedinteger],
    lengths: NDArray[np.unsignedinteger],
    measured: NDArray[np.bool_],
    n_genes: int = MAX_GENES,
    n_vocabulary: int | None = None,
) -> sparse.csr_matrix:
    """Weight of each gene in each sentence, (n_cells, n_all_genes); see :func:`project_cells`."""
    is_measured = measured[genes]
    cell = np.repeat(np.arange(len(lengths)), lengths)[is_measured]
    found = genes[is_measured]
    in_vocabulary = found < (len(measured) if n_vocabulary is None else n_vocabulary)
    rank = np.where(in_vocabulary, _rank(cell, in_vocabulary), _rank(cell, np.ones(len(cell), bool)))
    kept = rank < np.where(in_vocabulary, n_genes, _MAX_ALL_GENES)
    row_ends = np.append(0, np.cumsum(np.bincount(cell[kept], minlength=len(lengths))))
    values = rank_weights(max(n_genes, _MAX_ALL_GENES))[rank[kept]]
    return sparse.csr_matrix((values, found[kept], row_ends), (len(lengths), len(measured)))


def _rank(cell: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of counted genes before each gene in its sentence."""
    before: NDArray[np.int64] = np.cumsum(counted) - counted
    first = np.append(True, cell[1:] != cell[:-1]) if len(cell) else np.zeros(0, bool)
    return before - np.maximum.accumulate(np.where(first, before, 0)) if len(cell) else before
