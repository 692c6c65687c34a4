"""The cells of one AnnData as a model reads them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from .._validation import positive_integer
from ..cells import (
    SpatialGraph,
    adata_keys,
    cell_names,
    check_column,
    expressed_genes,
    ranked_expression,
    spatial_graph,
    store_sentences,
    text_column,
)
from ..models import ModelSpec
from ._augment import Augmenter
from ._cell_context import Context, check_context
from ._known_genes import check_known, known_vocabulary
from ._sentences_for import excluded_genes, sentences_for, source_matrix

logger = logging.getLogger(__name__)

#: Of the measured genes that a model knows, 50 cells express at least 43 % in any of 17 studies or panels. Where fewer
#: are expressed, the others were not measured.
_MIN_EXPRESSED, _MIN_CELLS = 0.4, 50
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
        Where the sentences lie. If there are none, sentences without the genes that the model's sentences leave out are
        computed; :meth:`store` writes them.
    n_genes
        Genes of a sentence at most; by default what the model reads.
    context
        ``obs`` columns with facts about each cell, such as ``["tissue"]``, or facts about all cells, such as
        ``{"tissue": "liver"}``.
    layer, use_raw
        The matrix to rank, see :func:`sc_duality.pp.cell_sentences`.

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
        context: Context = (),
        layer: str | None = None,
        use_raw: bool | None = None,
    ) -> None:
        self.adata, self.spec = adata, spec
        self.n_genes = spec.n_genes if n_genes is None else positive_integer("n_genes", n_genes)
        self.names = cell_names(adata)
        self.sentences, self._computed = sentences_for(adata, spec, sentence_key, layer, use_raw)
        #: Genes that the sentences leave out, as in :func:`sc_duality.pp.cell_sentences`.
        self.exclude = excluded_genes(self.sentences.params, spec)
        self.sentence_key = sentence_key
        #: Genes of the sentences that the model knows, in its own symbols.
        self.gene_names: NDArray[np.object_]
        self._codes, self.gene_names = known_vocabulary(self.sentences, spec)
        #: ``"ok"``, or why the model cannot read the cell, one value a cell.
        self.status = check_known(self.sentences, self._codes, spec)
        self.readable: NDArray[np.bool_] = self.status == adata_keys.OK
        logger.info(
            "%d cells, cell sentences from %s: the model %r knows %d of %d genes",
            *(len(self), source_matrix(self.sentences.params), spec.name),
            *(len(self.gene_names), len(self.sentences.genes)),
        )
        check_context(adata, context)
        self._facts = dict(context) if isinstance(context, Mapping) else {}
        self._context = {} if self._facts else {name: text_column(adata, name) for name in context}
        self._augmenter: Augmenter | None = None
        self._graphs: dict[Any, SpatialGraph] = {}

    def for_model(self, spec: ModelSpec) -> ModelCells:
        """The same cells for the same model in another prompt format."""
        found = copy(self)
        found.spec = spec
        return found

    def with_genes(self, genes: Collection[str]) -> ModelCells:
        """The same cells with a larger vocabulary than the model's, for its reference classifier."""
        found = copy(self)
        found._codes, found.gene_names = known_vocabulary(self.sentences, self.spec, genes)
        found._augmenter = None
        return found

    @property
    def fact_names(self) -> set[str]:
        """Names of the facts about cells, whether or not a cell lacks some."""
        return {*self._facts, *self._context}

    def without_fact(self, name: str | None) -> ModelCells:
        """The same cells without the fact of this name; the cells themselves if they have no such fact."""
        if name not in self.fact_names:
            return self
        found = copy(self)
        found._facts = {other: fact for other, fact in self._facts.items() if other != name}
        found._context = {other: values for other, values in self._context.items() if other != name}
        return found

    def __len__(self) -> int:
        return len(self.readable)

    def store(self) -> None:
        """Write computed sentences into ``adata``, as :func:`sc_duality.pp.cell_sentences` does."""
        if self._computed:
            ranks, genes, _ = self.sentences
            params = {**self.sentences.params, adata_keys.AUTOMATIC: True}
            store_sentences(self.adata, self.sentence_key, ranks, genes, params)
            logger.info("wrote cell sentences obsm[%r], as sd.pp.cell_sentences(adata) does", self.sentence_key)

    def genes(self, rows: Rows = slice(None), *, n_genes: int | None = None) -> list[list[str]]:
        """The genes of these cells, highest expression first; none of a cell that the model cannot read."""
        codes = self._codes[_taken(self.sentences.ranks, rows)]
        kept = (codes >= 0) & self.readable[rows][:, None]
        if (self._codes >= 0).sum() > len(self.gene_names):
            kept &= ~_named_before(codes)
        kept &= np.cumsum(kept, axis=1, dtype=np.int32) <= (n_genes or self.n_genes)
        names = self.gene_names[codes[kept]].tolist()
        ends = np.concatenate([[0], kept.sum(1).cumsum()]).tolist()
        return [names[start:stop] for start, stop in pairwise(ends)]

    def measured_genes(self) -> NDArray[np.object_]:
        """Genes that the model knows and that were measured: without columns of zeros, where these are many."""
        if self.spec.genes is None or len(self) < _MIN_CELLS:
            return self.gene_names
        expressed = expressed_genes(self.adata, self.sentences)
        if expressed is None:
            return self.gene_names
        codes = self._codes[:-1]
        found = np.isin(np.arange(len(self.gene_names)), codes[expressed & (codes >= 0)])
        if found.mean() >= _MIN_EXPRESSED:
            return self.gene_names
        logger.warning(
            "%d of the %d genes that the model %r knows are 0 in all cells, as after an outer join: they count as not "
            "measured",
            *((~found).sum(), len(found), self.spec.name),
        )
        return self.gene_names[found]

    def expression(self) -> sparse.csr_matrix:
        """log10(1 + counts per 10,000) of the genes that the model knows, (n_cells, n_genes)."""
        columns = np.zeros(len(self.gene_names), np.int64)
        known = np.flatnonzero(self._codes[:-1] >= 0)[::-1]
        columns[self._codes[known]] = known  # of two symbols of one gene, the first
        return ranked_expression(self.adata, self.sentences)[:, columns]

    def context(self, rows: Rows) -> list[dict[str, str]]:
        """The facts about these cells by name; missing values are left out."""
        n = len(self.readable[rows])
        facts: list[dict[str, str]] = [dict(self._facts) for _ in range(n)]
        for name, values in self._context.items():
            for fact, value in zip(facts, values.iloc[rows], strict=True):
                if value is not None:
                    fact[name] = value
        return facts

    def column(self, name: str, argument: str) -> NDArray[Any]:
        """Values of an ``obs`` column as strings, ``None`` where missing."""
        check_column(self.adata, name, argument)
        return np.asarray(text_column(self.adata, name), dtype=object)

    def spatial_graph(self, **settings: Any) -> SpatialGraph:
        """The neighbours of every cell, by radius, keys of coordinates and samples; computed once."""
        key = tuple(settings.items())
        if key not in self._graphs:
            self._graphs[key] = spatial_graph(self.adata, **settings)
        return self._graphs[key]

    @property
    def augmenter(self) -> Augmenter:
        """Draws augmented sentences."""
        if self._augmenter is None:
            self._augmenter = Augmenter(self.adata, self.sentences, self._codes, self.gene_names, self.n_genes)
        return self._augmenter

    def augmented(self, rows: Sequence[int], rng: np.random.Generator) -> list[list[str]]:
        """The sentences of these cells with fewer counts, missing genes, other ranks and other lengths.

        A cell that would have too few genes left keeps its own sentence.
        """
        found = self.augmenter.augment(rows, rng)
        return [genes if genes is not None else self.genes([row])[0] for genes, row in zip(found, rows, strict=True)]


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
