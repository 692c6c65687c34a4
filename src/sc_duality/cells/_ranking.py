"""The ranks of genes in cells: what is to be ranked and how, and the work itself, wherever the ranks go."""

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

from . import adata_keys
from ._adata import layer_names, matrix, seed
from ._gene_filter import select_genes
from ._rank_kernel import rank_rows
from ._row_blocks import map_rows, row_blocks

logger = logging.getLogger(__name__)

#: Length of a sentence when none is asked for.
N_GENES = 200
#: Names of cells that are read at once.
_NAMES = 2**17


class Ranking(NamedTuple):
    """A ranking that has been checked as far as it can be without reading the matrix."""

    adata: AnnData
    #: Cells × genes, in any form.
    X: Any
    #: Names of the cells: anything that gives them by slice.
    names: Any
    #: int32: the index in ``vocabulary`` of each column, −1 where it may not enter.
    word: np.ndarray
    #: Names of the genes that may enter.
    vocabulary: np.ndarray
    n_genes: int
    #: What ``uns`` keeps.
    params: dict[str, Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Cells × ranks."""
        return self.adata.n_obs, self.n_genes

    def write(self, out: Any) -> None:
        """Write the ranks, int32, into the rows of ``out``, an array in memory or in a file.

        Raises
        ------
        ValueError
            The matrix holds values that cannot be ranked; ``out`` is of no use then.
        """
        gene_hash = pd.util.hash_array(self.vocabulary)
        cell_hash = self._hash_of_cells() + np.uint64(self.params["rng"])
        threads = 1 if hasattr(self.X, "dask") else None  # dask has threads of its own
        work = partial(_ranked, word=self.word, gene_hash=gene_hash, n_genes=self.n_genes, threads=threads)
        unusable, empty = np.zeros(3, np.int64), 0
        for part, (ranks, strange) in map_rows(self.X, work, cell_hash, progress="cell sentences"):
            out[part] = ranks
            unusable += strange
            empty += int((ranks[:, 0] == adata_keys.PADDING).sum())
        if unusable.any():
            raise ValueError(_refusal(unusable, self.adata, self.params.get("layer"), self.params["use_raw"]))
        if empty:
            n = self.shape[0]
            logger.warning("%d of %d cells express no gene that may enter: their sentences are empty", empty, n)

    def _hash_of_cells(self) -> np.ndarray:
        """uint64 (n_obs,): a hash of each name, of which only some are in memory at once where they lie in a file."""
        hashes = np.empty(self.adata.n_obs, np.uint64)
        for start in range(0, len(hashes), _NAMES):
            names = np.asarray(self.names[start : start + _NAMES], dtype=object)
            hashes[start : start + _NAMES] = pd.util.hash_array(names, categorize=False)
        return hashes


def plan_ranking(
    adata: AnnData,
    names: Any,
    n_genes: int | None,
    *,
    layer: str | None,
    use_raw: bool,
    genes: Sequence[str] | np.ndarray | pd.Series | None,
    exclude: str | Sequence[str] | None,
    gene_symbols: str | None,
    rng: int | np.random.Generator | None,
) -> Ranking:
    """What :func:`sc_duality.pp.cell_sentences` is asked for, or an error that says what is wrong with it."""
    X, holder = matrix(adata, layer=layer, use_raw=use_raw)
    symbols, chosen = select_genes(holder, genes=genes, exclude=exclude, gene_symbols=gene_symbols)
    vocabulary = symbols[chosen]
    n_genes = _width(n_genes, len(vocabulary))
    params = {
        "n_genes": n_genes,
        "layer": layer,
        "use_raw": use_raw,
        "exclude": exclude if exclude is None or isinstance(exclude, str) else np.asarray(list(exclude), dtype=object),
        "gene_symbols": gene_symbols,
        "rng": seed(rng),
        "version": version("sc-duality"),
    }
    given = {name: value for name, value in params.items() if value is not None}
    word = np.where(chosen, np.cumsum(chosen) - 1, -1).astype(np.int32)
    return Ranking(adata, X, names, word, vocabulary, n_genes, given)


def _ranked(
    rows: sparse.csr_matrix,
    cell_hash: np.ndarray,
    *,
    word: np.ndarray,
    gene_hash: np.ndarray,
    n_genes: int,
    threads: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of these rows, and the numbers of their negative, NaN and infinite values."""
    ranks = np.full((rows.shape[0], n_genes), adata_keys.PADDING, np.int32)
    return ranks, rank_rows(rows, word, gene_hash, cell_hash, ranks, threads)


def _width(n_genes: int | None, available: int) -> int:
    if n_genes is None:
        return min(N_GENES, available)
    if isinstance(n_genes, bool) or not isinstance(n_genes, int | np.integer) or n_genes < 1:
        raise ValueError(f"n_genes must be a positive integer, got {n_genes!r}")
    if n_genes > available:
        raise ValueError(f"n_genes={n_genes}, but only {available} genes may enter: pass {available} or less")
    return int(n_genes)


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
