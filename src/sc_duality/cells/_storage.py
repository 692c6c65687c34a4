"""Cell sentences as AnnData stores them: written in one place, and read with every check in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from anndata import AnnData

from . import adata_keys

#: Cells whose ranks are looked through at once.
_CELLS = 2**16


class Sentences(NamedTuple):
    """Ranked genes of every cell, and what is known about them."""

    #: int32 (n_obs, K): column = rank, value = index into ``genes``, −1 after the last gene. Where they were not
    #: loaded, anything that gives rows by slice.
    ranks: Any
    #: Names of the genes, as an object array of str.
    genes: np.ndarray
    #: Everything else in ``uns[key]``: ``params`` and, once fitted, ``expression_model``.
    uns: Mapping[str, Any]

    def words(self, n_genes: int | None = None) -> list[list[str]]:
        """The sentence of every cell as a list of names, at most ``n_genes`` long."""
        if n_genes is not None and n_genes < 1:
            raise ValueError(f"n_genes must be at least 1, got {n_genes}")
        return gene_lists(self.ranks[:, :n_genes], self.genes)

    def blocks(self) -> Iterator[np.ndarray]:
        """The ranks of some cells at a time, in memory."""
        for start in range(0, self.ranks.shape[0], _CELLS):
            yield np.asarray(self.ranks[start : start + _CELLS])


def gene_lists(ranks: np.ndarray, genes: np.ndarray) -> list[list[str]]:
    """The names in each row of ``ranks``, which has −1 nowhere but after the last."""
    lengths = (ranks != adata_keys.PADDING).sum(1)
    return [genes[row[:length]].tolist() for row, length in zip(ranks, lengths, strict=True)]


def store_sentences(adata: AnnData, key: str, ranks: np.ndarray, genes: np.ndarray, params: Mapping[str, Any]) -> None:
    """Store sentences, and beside each a fingerprint of the vocabulary that it is written in.

    The fingerprint lies in ``obsm`` so that it goes wherever the sentence goes: ``anndata.concat`` may keep the
    sentences of one object with the vocabulary of another, which only a mark on every cell can tell.
    """
    adata.obsm[key] = ranks.astype(np.int32, copy=False)
    adata.obsm[adata_keys.vocabulary(key)], adata.uns[key] = sentence_fields(genes, params, adata.n_obs)


def sentence_fields(genes: np.ndarray, params: Mapping[str, Any], n_obs: int) -> tuple[np.ndarray, dict[str, Any]]:
    """What is stored beside the ranks: the fingerprint for each cell, and ``uns``."""
    genes = np.asarray(genes, dtype=object)
    return np.full((n_obs, 1), vocabulary_fingerprint(genes), np.int64), {
        adata_keys.GENES: genes,
        adata_keys.PARAMS: dict(params),
    }


def read_sentences(adata: AnnData, key: str = adata_keys.SENTENCE, *, load: bool = True) -> Sentences:
    """The sentences under ``key``, or an error that says why they cannot be decoded and what to do.

    Without ``load``, ranks that lie in a file stay there; they are looked through nevertheless.
    """
    again = f"run sd.pp.cell_sentences(adata, key_added={key!r})"
    if key not in adata.obsm:
        raise KeyError(f"no cell sentences in obsm[{key!r}]: {again} first")
    if key not in adata.uns or adata_keys.GENES not in adata.uns[key]:
        raise KeyError(
            f"obsm[{key!r}] has lost its vocabulary uns[{key!r}]['genes'], as happens in anndata.concat: "
            f'concatenate with uns_merge="same", or set uns[{key!r}] to that of one of the parts, or {again}'
        )
    ranks = adata.obsm[key]
    if load or not hasattr(ranks, "chunks") or ranks.dtype.kind == "f":
        ranks = np.asarray(ranks)
    if ranks.dtype.kind == "f" and np.isnan(ranks).any():
        raise ValueError(
            f"obsm[{key!r}] holds {np.isnan(ranks).any(1).sum()} cells with NaN, as an outer concat leaves "
            f"behind: rank all parts with the same n_genes before they are concatenated, or {again}"
        )
    if ranks.ndim != 2 or ranks.dtype.kind not in "iu":
        raise ValueError(
            f"obsm[{key!r}] must be an integer matrix, cells × ranks, got {ranks.dtype} {ranks.shape}: {again}"
        )
    genes = np.asarray(adata.uns[key][adata_keys.GENES], dtype=object)
    found = Sentences(ranks, genes, {name: value for name, value in adata.uns[key].items() if name != adata_keys.GENES})
    extremes = [(part.min(), part.max()) for part in found.blocks() if part.size]
    lowest, highest = min((low for low, _ in extremes), default=0), max((high for _, high in extremes), default=-1)
    if highest >= len(genes) or lowest < adata_keys.PADDING:
        raise ValueError(
            f"obsm[{key!r}] holds indices from {lowest} to {highest}, but its vocabulary has {len(genes)} "
            f"genes: the sentences were written with another one; {again}"
        )
    _check_fingerprint(adata, key, genes, again)
    return found


def vocabulary_fingerprint(genes: np.ndarray) -> int:
    """A number that stands for these names in this order."""
    return int.from_bytes(blake2b("\n".join(genes).encode(), digest_size=8).digest(), "little", signed=True)


def _check_fingerprint(adata: AnnData, key: str, genes: np.ndarray, again: str) -> None:
    marks = adata.obsm.get(adata_keys.vocabulary(key))
    if marks is None:
        raise KeyError(
            f"obsm[{adata_keys.vocabulary(key)!r}], the fingerprint of each cell's vocabulary, is missing: {again}"
        )
    foreign = int((np.asarray(marks) != vocabulary_fingerprint(genes)).sum())
    if foreign:
        raise ValueError(
            f"{foreign} of {adata.n_obs} cells in obsm[{key!r}] were written with another vocabulary than "
            f"uns[{key!r}]['genes'] and would decode to wrong genes, as after anndata.concat of objects with different "
            f"genes: {again} on the concatenated object"
        )
