"""Rank the genes of every cell by expression, highest first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from .._validation import positive_integer
from . import adata_keys
from ._adata import cell_names, matrix, seed
from ._expression_matrix import check_order_within_cells, choose_matrix, matrix_name, other_matrices
from ._gene_filter import select_genes
from ._rank_kernel import rank_rows
from ._row_blocks import load_csc, map_rows
from ._storage import Sentences

logger = logging.getLogger(__name__)

#: Default length of a sentence.
N_GENES = 200
#: Cell names that are in memory at once, if they lie in a file.
_NAMES_PER_BLOCK = 2**17


class Ranking(NamedTuple):
    """A ranking whose settings have been checked and whose matrix has not been read yet."""

    adata: AnnData
    #: Cells × genes, in any form.
    X: Any
    #: Names of the cells: an array, or anything that returns them by slice.
    cell_names: Any
    #: int32 (n_columns,): index in ``genes`` of each column of ``X``, −1 for columns that may not enter.
    vocab_index: np.ndarray
    #: The vocabulary: names of the genes that may enter.
    genes: np.ndarray
    n_genes: int
    #: Settings, as stored in ``uns``.
    params: dict[str, Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Cells × ranks."""
        return self.adata.n_obs, self.n_genes

    def of(self, part: AnnData) -> Ranking:
        """The same ranking of some of the cells, with the same genes."""
        X, _ = matrix(part, layer=self.params.get("layer"), use_raw=self.params["use_raw"])
        return self._replace(adata=part, X=load_csc(X), cell_names=cell_names(part))

    def compute(self) -> Sentences:
        """The sentences of all cells, in memory; ``adata`` is not changed.

        Raises
        ------
        ValueError
            The matrix holds values that cannot be ranked.
        """
        ranks = np.empty(self.shape, np.int32)
        self.write(ranks)
        return Sentences(ranks, self.genes, {adata_keys.PARAMS: self.params})

    def write(self, out: Any) -> None:
        """Write the ranks, int32, into ``out``, an array of cells × ranks in memory or in a file.

        Raises
        ------
        ValueError
            The matrix holds values that cannot be ranked; ``out`` is incomplete then.
        """
        gene_hash = pd.util.hash_array(self.genes)
        cell_hash = self._cell_hash() + np.uint64(self.params["rng"])
        threads = 1 if hasattr(self.X, "dask") else None  # dask starts threads itself
        rank = partial(
            _rank_block, vocab_index=self.vocab_index, gene_hash=gene_hash, n_genes=self.n_genes, threads=threads
        )
        n_unusable, n_empty = np.zeros(3, np.int64), 0
        for part, (ranks, n_unusable_here) in map_rows(self.X, rank, cell_hash, progress="cell sentences"):
            out[part] = ranks
            n_unusable += n_unusable_here
            n_empty += int((ranks[:, 0] == adata_keys.PADDING).sum())
        if n_unusable.any():
            raise ValueError(_unusable_values(n_unusable, self.adata, self.params.get("layer"), self.params["use_raw"]))
        if n_empty:
            n = self.shape[0]
            logger.warning("%d of %d cells express no gene of the vocabulary: their sentences are empty", n_empty, n)

    def _cell_hash(self) -> np.ndarray:
        """uint64 (n_obs,): a hash of each cell name; names in a file are read block by block."""
        hashes = np.empty(self.adata.n_obs, np.uint64)
        for start in range(0, len(hashes), _NAMES_PER_BLOCK):
            part = slice(start, start + _NAMES_PER_BLOCK)
            hashes[part] = pd.util.hash_array(np.asarray(self.cell_names[part], dtype=object), categorize=False)
        return hashes


def plan_ranking(
    adata: AnnData,
    n_genes: int | None = None,
    *,
    layer: str | None = None,
    use_raw: bool | None = None,
    genes: Sequence[str] | np.ndarray | pd.Series | None = None,
    exclude: str | Sequence[str] | None = "housekeeping",
    gene_symbols: str | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Ranking:
    """The ranking with the arguments of :func:`sc_duality.pp.cell_sentences`, checked before the matrix is read."""
    layer, use_raw = choose_matrix(adata) if layer is None and use_raw is None else (layer, bool(use_raw))
    X, holder = matrix(adata, layer=layer, use_raw=use_raw)
    X = load_csc(X)
    symbols, selected = select_genes(holder, genes=genes, exclude=exclude, gene_symbols=gene_symbols)
    n_genes = _sentence_length(n_genes, int(selected.sum()))
    params = {
        "n_genes": n_genes,
        "layer": layer,
        "use_raw": use_raw,
        "exclude": exclude if exclude is None or isinstance(exclude, str) else np.asarray(list(exclude), dtype=object),
        "gene_symbols": gene_symbols,
        "rng": seed(rng),
        adata_keys.CHOSEN_GENES: True if genes is not None else None,
        "version": version("sc-duality"),
    }
    params = {name: value for name, value in params.items() if value is not None}
    check_order_within_cells(adata, X, layer, use_raw)
    vocab_index = np.where(selected, np.cumsum(selected) - 1, -1).astype(np.int32)
    return Ranking(adata, X, cell_names(adata), vocab_index, symbols[selected], n_genes, params)


def default_sentences(
    adata: AnnData,
    layer: str | None = None,
    use_raw: bool | None = None,
    exclude: str | Sequence[str] | None = "housekeeping",
) -> Sentences:
    """The sentences that ``sd.pp.cell_sentences`` would write from this matrix; ``adata`` is not changed."""
    return plan_ranking(adata, layer=layer, use_raw=use_raw, exclude=exclude).compute()


def _rank_block(
    rows: sparse.csr_matrix,
    cell_hash: np.ndarray,
    *,
    vocab_index: np.ndarray,
    gene_hash: np.ndarray,
    n_genes: int,
    threads: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of these rows, and the numbers of their negative, NaN and infinite values."""
    ranks = np.full((rows.shape[0], n_genes), adata_keys.PADDING, np.int32)
    return ranks, rank_rows(rows, vocab_index, gene_hash, cell_hash, ranks, threads)


def _sentence_length(n_genes: int | None, available: int) -> int:
    if n_genes is None:
        return min(N_GENES, available)
    n_genes = positive_integer("n_genes", n_genes)
    if n_genes > available:
        raise ValueError(f"n_genes={n_genes}, but only {available} genes may enter: pass {available} or less")
    return n_genes


def _unusable_values(n_unusable: np.ndarray, adata: AnnData, layer: str | None, use_raw: bool) -> str:
    """The error for a matrix that cannot be ranked, with the matrices that can be ranked instead."""
    kinds = zip(n_unusable, ("negative", "NaN", "infinite"), strict=True)
    counts = ", ".join(f"{n} {kind}" for n, kind in kinds if n)
    cause = " (it looks scaled)" if n_unusable[0] else ""
    other = other_matrices(adata, layer, use_raw)
    return f"{matrix_name(layer, use_raw)} holds {counts} values and cannot be ranked{cause}; {other}"
