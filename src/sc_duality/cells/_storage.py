"""Cell sentences in AnnData: write them, and read them with every check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from anndata import AnnData

from .._validation import positive_integer
from . import adata_keys

#: Cells whose ranks are read at once.
_CELLS_PER_BLOCK = 2**16


class Sentences(NamedTuple):
    """Ranked genes of every cell, their vocabulary and metadata."""

    #: int32 (n_obs, K): column = rank, value = index into ``genes``, −1 after the last gene. Ranks that were not
    #: loaded are anything that returns rows by slice.
    ranks: Any
    #: The vocabulary: names of the genes, as an object array of str.
    genes: np.ndarray
    #: The rest of ``uns[sentence_key]``: ``params`` and, once fitted, ``expression_model``.
    uns: Mapping[str, Any]

    @property
    def params(self) -> Mapping[str, Any]:
        """The settings that the sentences were ranked with."""
        params: Mapping[str, Any] = self.uns[adata_keys.PARAMS]
        return params

    def gene_lists(self, n_genes: int | None = None) -> list[list[str]]:
        """The sentence of every cell as a list of gene names, at most ``n_genes`` long."""
        stop = None if n_genes is None else positive_integer("n_genes", n_genes)
        return gene_lists(self.ranks[:, :stop], self.genes)

    def blocks(self) -> Iterator[np.ndarray]:
        """The ranks, block by block of cells, in memory."""
        for start in range(0, self.ranks.shape[0], _CELLS_PER_BLOCK):
            yield np.asarray(self.ranks[start : start + _CELLS_PER_BLOCK])


def gene_lists(ranks: np.ndarray, genes: np.ndarray) -> list[list[str]]:
    """The gene names of each row of ``ranks``, which has −1 only after the last gene."""
    lengths = (ranks != adata_keys.PADDING).sum(1)
    return [genes[row[:length]].tolist() for row, length in zip(ranks, lengths, strict=True)]


def store_sentences(
    adata: AnnData, sentence_key: str, ranks: np.ndarray, genes: np.ndarray, params: Mapping[str, Any]
) -> None:
    """Store sentences, and the fingerprint of their vocabulary for every cell.

    The fingerprint lies in ``obsm``, so it stays with the sentence of each cell. ``anndata.concat`` may combine
    sentences of one object with the vocabulary of another, which only a fingerprint of every cell can detect.
    """
    layers = adata.uns.get(sentence_key, {}).get(adata_keys.LAYERS)  # stay, and will be replaced by their name
    adata.obsm[sentence_key] = ranks.astype(np.int32, copy=False)
    fingerprints, uns = sentence_fields(genes, params, adata.n_obs)
    adata.uns[sentence_key] = uns if layers is None else {**uns, adata_keys.LAYERS: layers}
    adata.obsm[adata_keys.vocabulary(sentence_key)] = fingerprints


def sentence_fields(genes: np.ndarray, params: Mapping[str, Any], n_obs: int) -> tuple[np.ndarray, dict[str, Any]]:
    """What is stored next to the ranks: the vocabulary fingerprint of every cell, and the ``uns`` entry."""
    genes = np.asarray(genes, dtype=object)
    return np.full((n_obs, 1), vocabulary_fingerprint(genes), np.int64), {
        adata_keys.GENES: genes,
        adata_keys.PARAMS: dict(params),
    }


def read_sentences(adata: AnnData, sentence_key: str = adata_keys.SENTENCE, *, load: bool = True) -> Sentences:
    """The sentences in ``obsm[sentence_key]``, or an error that says why they cannot be decoded and what to do.

    With ``load=False``, ranks in a file are checked block by block and stay in the file.
    """
    if not isinstance(sentence_key, str):
        raise TypeError(f"sentence_key must be a string, got {sentence_key!r}")
    again = f"run sd.pp.cell_sentences(adata, key_added={sentence_key!r})"
    if sentence_key not in adata.obsm:
        raise KeyError(f"no cell sentences in obsm[{sentence_key!r}]: {again} first")
    if sentence_key not in adata.uns or adata_keys.GENES not in adata.uns[sentence_key]:
        raise KeyError(
            f"obsm[{sentence_key!r}] has lost its vocabulary uns[{sentence_key!r}]['genes'], as happens in "
            f'anndata.concat: concatenate with uns_merge="same", or set uns[{sentence_key!r}] to that of one of the '
            f"parts, or {again}"
        )
    uns = dict(adata.uns[sentence_key])
    genes = np.asarray(uns.pop(adata_keys.GENES), dtype=object)
    sentences = Sentences(_checked_ranks(adata.obsm[sentence_key], f"obsm[{sentence_key!r}]", again, load), genes, uns)
    extremes = [(block.min(), block.max()) for block in sentences.blocks() if block.size]
    lowest, highest = min((low for low, _ in extremes), default=0), max((high for _, high in extremes), default=-1)
    if highest >= len(genes) or lowest < adata_keys.PADDING:
        raise ValueError(
            f"obsm[{sentence_key!r}] holds indices from {lowest} to {highest}, but its vocabulary has {len(genes)} "
            f"genes: the sentences were written with another one; {again}"
        )
    _check_fingerprints(adata, sentence_key, genes, again)
    return sentences


def vocabulary_fingerprint(genes: np.ndarray) -> int:
    """A hash of these gene names in this order."""
    return int.from_bytes(blake2b("\n".join(genes).encode(), digest_size=8).digest(), "little", signed=True)


def _checked_ranks(ranks: Any, name: str, again: str, load: bool) -> Any:
    """The ranks, in memory if ``load`` is set, or an error if they are not a matrix of gene indices."""
    if load or not hasattr(ranks, "chunks") or ranks.dtype.kind == "f":
        ranks = np.asarray(ranks)
    if ranks.dtype.kind == "f" and np.isnan(ranks).any():
        raise ValueError(
            f"{name} holds {np.isnan(ranks).any(1).sum()} cells with NaN, as an outer concat leaves behind: rank all "
            f"parts with the same n_genes before you concatenate them, or {again}"
        )
    if ranks.ndim != 2 or ranks.dtype.kind not in "iu":
        raise ValueError(f"{name} must be an integer matrix, cells × ranks, got {ranks.dtype} {ranks.shape}: {again}")
    return ranks


def _check_fingerprints(adata: AnnData, sentence_key: str, genes: np.ndarray, again: str) -> None:
    name = adata_keys.vocabulary(sentence_key)
    fingerprints = adata.obsm.get(name)
    if fingerprints is None:
        raise KeyError(f"obsm[{name!r}], the fingerprint of each cell's vocabulary, is missing: {again}")
    n_other = int((np.asarray(fingerprints) != vocabulary_fingerprint(genes)).sum())
    if n_other:
        raise ValueError(
            f"{n_other} of {adata.n_obs} cells in obsm[{sentence_key!r}] were written with another vocabulary than "
            f"uns[{sentence_key!r}]['genes'] and would decode to wrong genes, as after anndata.concat of objects with "
            f"different genes: {again} on the concatenated object"
        )
