"""What all tools share: which sentences a model is shown, and what is kept about how it was asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from .. import pp
from ..cells import Sentences, adata_keys, column, preview, read_sentences, to_known_names
from ..models import LanguageModel, ModelSpec, engine_info
from ..tasks import PromptFormat

logger = logging.getLogger(__name__)

#: Share of the genes in the sentences that a model with a vocabulary must know.
_MIN_KNOWN = 0.2


def check_task(spec: ModelSpec, task: str) -> None:
    """Refuse a model that was not made for this task; pass on what users have to know of how it does it."""
    if spec.tasks is not None and task not in spec.tasks:
        raise ValueError(
            f"the model {spec.name!r} does no {task}, only {', '.join(spec.tasks)}: pass another one, "
            "see sd.models.available()"
        )
    if task in spec.cautions:
        logger.warning("%s by the model %r: %s", task, spec.name, spec.cautions[task])


def genes_asked(spec: ModelSpec, n_genes: int | None) -> int:
    """How many genes a sentence may have that a model reads or writes."""
    if n_genes is None:
        return spec.n_genes
    if isinstance(n_genes, bool) or not isinstance(n_genes, int | np.integer) or n_genes < 1:
        raise ValueError(f"n_genes must be a positive integer, got {n_genes!r}")
    return int(n_genes)


class Facts(NamedTuple):
    """What columns of ``obs`` say of each cell."""

    columns: dict[str, pd.Series]

    def of(self, part: slice) -> list[dict[str, str]]:
        """The facts about each of these cells, by column; what is missing is left out."""
        facts: list[dict[str, str]] = [{} for _ in range(part.start, part.stop)]
        for name, values in self.columns.items():
            for fact, value in zip(facts, values.iloc[part].astype(object), strict=True):
                if pd.notna(value):
                    fact[name] = str(value)
        return facts


class Cells(NamedTuple):
    """Sentences as a model reads them: of each cell the best genes that it knows, each once."""

    sentences: Sentences
    #: Genes that the model knows, by its own names.
    names: NDArray[np.object_]
    #: For each word of the vocabulary, and last for padding, its place in ``names``, −1 where the model knows none.
    words: NDArray[np.int32]
    n_genes: int
    #: (n_obs,): whether the model knows any gene of the cell.
    readable: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.readable)

    def genes(self, part: slice = slice(None)) -> list[list[str]]:
        """The genes of each of these cells, best first."""
        words = self.words[np.asarray(self.sentences.ranks[part])]
        kept = words >= 0
        if (self.words >= 0).sum() > len(self.names):
            kept &= ~_named_before(words)
        kept &= np.cumsum(kept, axis=1, dtype=np.int32) <= self.n_genes
        names = self.names[words[kept]].tolist()
        ends = np.concatenate([[0], kept.sum(1).cumsum()]).tolist()
        return [names[start:stop] for start, stop in pairwise(ends)]


def context_of(adata: AnnData, columns: Sequence[str]) -> Facts:
    """What these ``obs`` columns say."""
    if isinstance(columns, str):
        raise TypeError(f"context must be a list of obs columns, got the string {columns!r}")
    strange = [name for name in columns if name not in adata.obs]
    if strange:
        raise KeyError(f"context names no obs columns: {strange}; there are {', '.join(adata.obs.columns)}")
    return Facts({name: column(adata, name) for name in columns})


def sentences_for(adata: AnnData, spec: ModelSpec, *, key: str, n_genes: int | None) -> Cells:
    """What :func:`cells_for` finds, writing sentences first if there are none."""
    genes_asked(spec, n_genes)
    if key not in adata.obsm:
        if key != adata_keys.SENTENCE:
            raise KeyError(f"obsm has no {key!r}: run sd.pp.cell_sentences(adata, key_added={key!r}) first")
        logger.info("obsm has no %r yet: writing cell sentences with sd.pp.cell_sentences(adata)", key)
        pp.cell_sentences(adata, key_added=key)
    return cells_for(adata, spec, key=key, n_genes=n_genes)


def cells_for(adata: AnnData, spec: ModelSpec, *, key: str, n_genes: int | None) -> Cells:
    """The sentences under ``key`` as the model reads them, at most ``n_genes`` long.

    A model with words of its own reads a gene under another name of it (:func:`model_names`). Of two names of one gene
    in a sentence, the first counts.

    Raises
    ------
    ValueError
        If the model knows next to none of the genes, naming some.
    """
    sentences = read_sentences(adata, key, load=False)
    own = model_names(sentences.genes, spec)
    codes, names = pd.factorize(own)
    words = np.append(codes, -1).astype(np.int32)
    other = np.flatnonzero((codes >= 0) & (own != sentences.genes))
    if len(other):
        pairs = [f"{sentences.genes[i]} as {own[i]}" for i in other[:5]]
        logger.info("the model %r reads %d genes under another name: %s", spec.name, len(other), preview(pairs, 4))
    n_named, n_known, readable = 0, 0, []
    for ranks in sentences.blocks():
        kept = words[ranks] >= 0
        n_named += int((ranks != adata_keys.PADDING).sum())
        n_known += int(kept.sum())
        readable.append(kept.any(axis=1))
    if n_known < _MIN_KNOWN * n_named:
        raise ValueError(
            f"the model {spec.name!r} knows {n_known} of the {n_named} genes in the sentences; it reads human gene "
            f"symbols and does not know, for example, {', '.join(_strange(sentences, words))}"
        )
    return Cells(sentences, names, words, genes_asked(spec, n_genes), np.concatenate(readable))


def model_names(genes: NDArray[np.object_], spec: ModelSpec) -> NDArray[np.object_]:
    """The name by which the model knows each gene, ``None`` where it knows none; any where it reads any text."""
    return genes if spec.genes is None else to_known_names(genes, spec.genes)


def _named_before(words: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Of each place in a row, whether an earlier one has the same word."""
    order = np.argsort(words, axis=1, kind="stable")
    ordered = np.take_along_axis(words, order, axis=1)
    before = np.zeros(words.shape, bool)
    np.put_along_axis(before, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return before


def _strange(sentences: Sentences, own: NDArray[np.int32]) -> list[str]:
    """Some genes that the model does not know, of the first cells that have any."""
    for ranks in sentences.blocks():
        words = pd.unique(ranks[(own[ranks] < 0) & (ranks != adata_keys.PADDING)])
        if len(words):
            return sentences.genes[words[:5]].tolist()
    return []


def report_unanswered(n: int, n_cells: int) -> None:
    """Say how many cells the model gave no answer for, and what to do."""
    if n:
        logger.warning("%d of %d cells got no answer from the model: call again to ask about them", n, n_cells)


def provenance(engine: LanguageModel, prompt_format: PromptFormat, **params: Any) -> dict[str, Any]:
    """What ``uns`` keeps about an answer; what is ``None`` is left out, as AnnData cannot store it."""
    spec = engine.spec
    info = engine_info(engine)
    packages = ("sc-duality", "anndata", *info.packages)
    kept = {
        "model": spec.name,
        "engine": info.name,
        "fingerprint": info.fingerprint,
        "dtype": info.dtype,
        "prompt_format": prompt_format.name,
        "prompt_format_version": prompt_format.version,
        "versions": {name: version(name) for name in packages},
        **params,
    }
    return {"params": {name: value for name, value in kept.items() if value is not None}}
