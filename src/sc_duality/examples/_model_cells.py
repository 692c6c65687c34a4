"""The cells of one AnnData as a model reads them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from .._validation import positive_integer
from ..cells import (
    Sentences,
    adata_keys,
    cell_names,
    default_sentences,
    preview,
    read_sentences,
    store_sentences,
    text_column,
    to_known_names,
)
from ..models import ModelSpec
from ._augment import Augmenter

logger = logging.getLogger(__name__)

#: Share of the genes in the sentences that a model with a gene vocabulary must know.
_MIN_KNOWN = 0.2

#: Rows of the AnnData.
Rows = slice | Sequence[int] | NDArray[np.int64]


class ModelCells:
    """Cell sentences in the gene symbols of a model: of each cell the top genes that the model knows, each once.

    Parameters
    ----------
    adata
        The cells.
    spec
        The model that reads them.
    sentence_key
        Where the sentences lie. Default sentences are computed if there are none; :meth:`store` writes them.
    n_genes
        Genes of a sentence at most; by default what the model reads.
    context
        ``obs`` columns with facts about each cell, such as ``["tissue"]``.

    Raises
    ------
    KeyError
        There are no such sentences or columns.
    ValueError
        The model knows almost none of the genes.
    """

    def __init__(
        self,
        adata: AnnData,
        spec: ModelSpec,
        *,
        sentence_key: str = adata_keys.SENTENCE,
        n_genes: int | None = None,
        context: Sequence[str] = (),
    ) -> None:
        self.adata, self.spec = adata, spec
        self.n_genes = spec.n_genes if n_genes is None else positive_integer("n_genes", n_genes)
        self.names = cell_names(adata)
        self.sentences, self.sentence_key = _sentences(adata, sentence_key), sentence_key
        #: Genes of the sentences that the model knows, in its own symbols.
        self.gene_names: NDArray[np.object_]
        self._codes, self.gene_names = _vocabulary(self.sentences, spec)
        #: Whether the model knows any gene of the cell, one value a cell.
        self.readable = _check_known(self.sentences, self._codes, spec)
        self._context = _context_columns(adata, context)
        self._augmenter: Augmenter | None = None

    def for_model(self, spec: ModelSpec) -> ModelCells:
        """The same cells for the same model in another prompt format."""
        found = copy(self)
        found.spec = spec
        return found

    def __len__(self) -> int:
        return len(self.readable)

    def store(self) -> None:
        """Write computed sentences into ``adata``, as :func:`sc_duality.pp.cell_sentences` does."""
        if self.sentence_key not in self.adata.obsm:
            ranks, genes, uns = self.sentences
            store_sentences(self.adata, self.sentence_key, ranks, genes, uns[adata_keys.PARAMS])
            logger.info("wrote cell sentences obsm[%r], as sd.pp.cell_sentences(adata) does", self.sentence_key)

    def genes(self, rows: Rows = slice(None), *, n_genes: int | None = None) -> list[list[str]]:
        """The genes of these cells, highest expression first."""
        codes = self._codes[_taken(self.sentences.ranks, rows)]
        kept = codes >= 0
        if (self._codes >= 0).sum() > len(self.gene_names):
            kept &= ~_named_before(codes)
        kept &= np.cumsum(kept, axis=1, dtype=np.int32) <= (n_genes or self.n_genes)
        names = self.gene_names[codes[kept]].tolist()
        ends = np.concatenate([[0], kept.sum(1).cumsum()]).tolist()
        return [names[start:stop] for start, stop in pairwise(ends)]

    def context(self, rows: Rows) -> list[dict[str, str]]:
        """The facts about these cells by column; missing values are left out."""
        n = len(self.readable[rows])
        facts: list[dict[str, str]] = [{} for _ in range(n)]
        for name, values in self._context.items():
            for fact, value in zip(facts, values.iloc[rows], strict=True):
                if value is not None:
                    fact[name] = value
        return facts

    def column(self, name: str, argument: str) -> NDArray[Any]:
        """Values of an ``obs`` column as strings, ``None`` where missing."""
        if name not in self.adata.obs:
            raise KeyError(
                f"{argument}={name!r} is not an obs column; there are {', '.join(map(str, self.adata.obs.columns))}"
            )
        return np.asarray(text_column(self.adata, name), dtype=object)

    def augmented(self, rows: Sequence[int], rng: np.random.Generator) -> list[list[str]]:
        """The sentences of these cells with fewer counts, missing genes, other ranks and other lengths.

        A cell that would have too few genes left keeps its own sentence.
        """
        if self._augmenter is None:
            self._augmenter = Augmenter(self.adata, self.sentences, self._codes, self.gene_names, self.n_genes)
        found = self._augmenter.augment(rows, rng)
        return [genes if genes is not None else self.genes([row])[0] for genes, row in zip(found, rows, strict=True)]


def model_names(genes: NDArray[np.object_], spec: ModelSpec) -> NDArray[np.object_]:
    """The model's symbol of each gene, ``None`` where it knows none; the gene itself where it reads any text.

    Examples
    --------
    >>> import numpy as np
    >>> import sc_duality as sd
    >>> from sc_duality.examples import model_names
    >>> genes = np.array(["CD79A", "ENSG00000105369", "FOO"], dtype=object)
    >>> model_names(genes, sd.models.resolve("embedded")).tolist()
    ['CD79A', 'CD79A', None]
    """
    return genes if spec.genes is None else to_known_names(genes, spec.genes)


def _sentences(adata: AnnData, key: str) -> Sentences:
    if key in adata.obsm:
        return read_sentences(adata, key, load=False)
    if key != adata_keys.SENTENCE:
        raise KeyError(f"obsm has no {key!r}: run sd.pp.cell_sentences(adata, key_added={key!r}) first")
    return default_sentences(adata)


def _vocabulary(sentences: Sentences, spec: ModelSpec) -> tuple[NDArray[np.int32], NDArray[np.object_]]:
    """Index among the model's genes of each gene (last: of padding), −1 for unknown genes; and the model's genes."""
    names = model_names(sentences.genes, spec)
    codes, known = pd.factorize(names)
    other = np.flatnonzero((codes >= 0) & (names != sentences.genes))
    if len(other):
        pairs = [f"{sentences.genes[i]} as {names[i]}" for i in other[:5]]
        logger.info("the model %r reads %d genes by another symbol: %s", spec.name, len(other), preview(pairs, 4))
    return np.append(codes, -1).astype(np.int32), known


def _check_known(sentences: Sentences, codes: NDArray[np.int32], spec: ModelSpec) -> NDArray[np.bool_]:
    n_named, n_known, readable = 0, 0, []
    unknown: list[str] = []
    for ranks in sentences.blocks():
        known = codes[ranks] >= 0
        named = ranks != adata_keys.PADDING
        n_named += int(named.sum())
        n_known += int(known.sum())
        readable.append(known.any(axis=1))
        if len(unknown) < 5:
            unknown += sentences.genes[pd.unique(ranks[named & ~known])[:5]].tolist()
    if n_known < _MIN_KNOWN * n_named:
        raise ValueError(
            f"the model {spec.name!r} knows {n_known} of the {n_named} genes in the sentences. It reads human gene "
            f"symbols; unknown are, for example, {', '.join(unknown[:5])}"
        )
    return np.concatenate(readable)


def _context_columns(adata: AnnData, context: Sequence[str]) -> dict[str, pd.Series]:
    if isinstance(context, str):
        raise TypeError(f"context must be a list of obs columns, got the string {context!r}")
    missing = [name for name in context if name not in adata.obs]
    if missing:
        raise KeyError(f"context={missing} are not obs columns; there are {', '.join(map(str, adata.obs.columns))}")
    return {name: text_column(adata, name) for name in context}


def _taken(ranks: Any, rows: Rows) -> NDArray[np.int32]:
    """These rows in memory; arrays in files are indexed in sorted order."""
    if isinstance(rows, slice) or isinstance(ranks, np.ndarray):
        return np.asarray(ranks[rows])
    unique, inverse = np.unique(np.asarray(rows), return_inverse=True)
    return np.asarray(ranks[unique])[inverse]


def _named_before(codes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether an earlier position of the row has the same gene."""
    order = np.argsort(codes, axis=1, kind="stable")
    ordered = np.take_along_axis(codes, order, axis=1)
    before = np.zeros(codes.shape, bool)
    np.put_along_axis(before, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return before
