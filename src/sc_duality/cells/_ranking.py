"""Rank the genes of every cell by expression, highest first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData, Raw
from scipy import sparse

from .._validation import positive_integer
from . import adata_keys
from ._adata import cell_names, layer_names, matrix, seed
from ._gene_filter import select_genes
from ._rank_kernel import rank_rows
from ._row_blocks import load_csc, map_rows, row_blocks
from ._scaled_genes import derived_from_counts, scaled_genes
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
    use_raw: bool = False,
    genes: Sequence[str] | np.ndarray | pd.Series | None = None,
    exclude: str | Sequence[str] | None = "housekeeping",
    gene_symbols: str | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Ranking:
    """The ranking with the arguments of :func:`sc_duality.pp.cell_sentences`, checked before the matrix is read."""
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
    _check_order_within_cells(X, holder, adata, layer, use_raw)
    vocab_index = np.where(selected, np.cumsum(selected) - 1, -1).astype(np.int32)
    return Ranking(adata, X, cell_names(adata), vocab_index, symbols[selected], n_genes, params)


def default_sentences(adata: AnnData) -> Sentences:
    """The sentences that ``sd.pp.cell_sentences(adata)`` would write; ``adata`` is not changed."""
    return plan_ranking(adata).compute()


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


def _check_order_within_cells(X: Any, holder: AnnData | Raw, adata: AnnData, layer: str | None, use_raw: bool) -> None:
    """Raise an error if every gene was scaled by a factor of its own, or warn where something else may explain it."""
    scaled = scaled_genes(X)
    name = _matrix_name(layer, use_raw)
    if scaled is None:
        if layer is None and not use_raw and {"mean", "std"} <= set(holder.var.columns) and not derived_from_counts(X):
            logger.warning(
                "var has the columns 'mean' and 'std' of sc.pp.scale: if X was scaled, the order of the genes in its "
                "sentences has no meaning, and you should rank a layer or .raw with values before scaling"
            )
    elif scaled.certain:
        cause = f"every gene of {name} has {scaled.how} (it looks scaled), so genes have no order within a cell"
        raise ValueError(f"{cause}; {_other_matrices(adata, layer, use_raw)}")
    else:
        logger.warning(
            "most genes of %s have %s: if each gene was scaled by itself, the sentences have no meaning; %s",
            name,
            scaled.how,
            _other_matrices(adata, layer, use_raw),
        )


def _unusable_values(n_unusable: np.ndarray, adata: AnnData, layer: str | None, use_raw: bool) -> str:
    """The error for a matrix that cannot be ranked, with the matrices that can be ranked instead."""
    kinds = zip(n_unusable, ("negative", "NaN", "infinite"), strict=True)
    counts = ", ".join(f"{n} {kind}" for n, kind in kinds if n)
    cause = " (it looks scaled)" if n_unusable[0] else ""
    other = _other_matrices(adata, layer, use_raw)
    return f"{_matrix_name(layer, use_raw)} holds {counts} values and cannot be ranked{cause}; {other}"


def _matrix_name(layer: str | None, use_raw: bool) -> str:
    return ".raw" if use_raw else "X" if layer is None else f"layer {layer!r}"


def _other_matrices(adata: AnnData, layer: str | None, use_raw: bool) -> str:
    """The calls that rank other matrices of the AnnData, as far as those can be ranked."""
    others = {f"adata, layer={other!r}": adata.layers[other] for other in layer_names(adata) if other != layer}
    if adata.raw is not None and not use_raw:
        others["adata, use_raw=True"] = adata.raw.X
    if adata.X is not None and (layer is not None or use_raw):
        others["adata"] = adata.X
    usable = [f"sd.pp.cell_sentences({arguments})" for arguments, X in others.items() if _is_usable(X)]
    if not usable:
        return "no other layer and no .raw has usable values: use raw counts or their logarithm"
    return f"other values can be ranked: call {' or '.join(usable)} (sd.io.write_sentences has the same arguments)"


def _is_usable(X: Any) -> bool:
    finite = X.dtype.kind in "buif" and all(
        bool((rows.data >= 0).all() and np.isfinite(rows.data).all()) for _, rows in row_blocks(X)
    )
    return finite and scaled_genes(X) is None
