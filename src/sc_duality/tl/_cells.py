"""Cells that a model writes: from its texts to an AnnData."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from .. import pp
from ..cells import adata_keys, gene_columns, in_memory, read_sentences, store_sentences
from ..models import LanguageModel, ModelSpec, SamplingParams
from ..tasks import Example, Failure, Task, encode
from ._answers import NO_GENES, NOT_ANSWERED, OK
from ._ask import model_names


class Frame(NamedTuple):
    """The genes that cells are written over, and how ranks become expression."""

    var: pd.DataFrame
    #: Names that count: symbols of the index of ``var``, or its column ``gene_symbols``.
    genes: NDArray[np.object_]
    #: The place of each gene by the name that the model has for it.
    place: Mapping[str, int]
    gene_symbols: str | None = None
    #: ``slope`` and ``intercept``; empty where there is no line.
    line: Mapping[str, float] = {}


class Written(NamedTuple):
    """One cell a question."""

    #: Genes, best first; none where the text could not be read.
    cells: list[tuple[str, ...]]
    #: ``"ok"``, or why there are no genes.
    status: NDArray[np.object_]
    #: Names that are no gene, and genes that were named again; 0 where the text could not be read.
    unknown_genes: NDArray[np.int64]
    doubled_genes: NDArray[np.int64]


def frame_of(adata: AnnData, spec: ModelSpec, key: str) -> Frame:
    """The genes of these cells' sentences, with the line that they were fitted with, or else the model's own."""
    sentences = read_sentences(adata, key)
    gene_symbols = sentences.uns[adata_keys.PARAMS].get("gene_symbols")
    if (gene_columns(sentences.genes, adata, gene_symbols) < 0).all():
        raise KeyError(f"none of the {len(sentences.genes)} genes of uns[{key!r}] is in var: were the genes renamed?")
    line = sentences.uns.get(adata_keys.EXPRESSION_MODEL, spec.expression_model)
    return Frame(in_memory(adata.var).copy(), sentences.genes, places(sentences.genes, spec), gene_symbols, line)


def places(genes: NDArray[np.object_], spec: ModelSpec) -> Mapping[str, int]:
    """The place of each of these genes by the model's name for it; of two names of one gene, the model's counts."""
    known = {name: i for i, name in enumerate(model_names(genes, spec)) if name is not None}
    return known | {gene: i for i, gene in enumerate(genes) if spec.genes is None or gene in spec.genes}


def written(
    model: LanguageModel,
    task: Task,
    examples: Sequence[Example | None],
    lengths: Iterable[int],
    sampling: SamplingParams,
) -> Written:
    """Let the model write a cell for each example, cut to its length; without an example there is no cell.

    All are asked for in one call, in which a prompt that comes again is drawn anew.
    """
    asked = [i for i, example in enumerate(examples) if example is not None]
    questions = [example for example in examples if example is not None]
    texts = model.generate([task.prompt(question) for question in questions], sampling) if questions else []
    n = len(examples)
    found = Written([()] * n, np.full(n, NO_GENES, object), np.zeros(n, np.int64), np.zeros(n, np.int64))
    most = list(lengths)
    for i, question, text in zip(asked, questions, texts, strict=True):
        if text is None:
            found.status[i] = NOT_ANSWERED
            continue
        read = task.parse(text, question)
        if isinstance(read, Failure):
            found.status[i] = str(read.reason)
            continue
        found.cells[i] = read.value[: most[i]]
        found.status[i] = OK
        found.unknown_genes[i], found.doubled_genes[i] = read.dropped, read.doubled
    return found


def to_anndata(found: Written, obs: pd.DataFrame, frame: Frame, *, n_genes: int, key: str, key_added: str) -> AnnData:
    """Cells as an AnnData: sentences in ``obsm[key]``, expression in ``X``, and in ``obs`` how each could be read."""
    obs[adata_keys.status(key_added)] = pd.Categorical(found.status)
    obs[adata_keys.n_unknown_genes(key_added)] = found.unknown_genes
    obs[adata_keys.n_duplicate_genes(key_added)] = found.doubled_genes
    adata = AnnData(obs=obs, var=frame.var)
    add_sentences(adata, found.cells, frame, n_genes=n_genes, key=key)
    if frame.line and adata.n_vars:
        pp.reconstruct_expression(adata, sentence_key=key)
        adata.X = adata.layers.pop(adata_keys.RECONSTRUCTED)
        adata.uns["log1p"] = {"base": 10}  # where scanpy looks for the base of the logarithm
    return adata


def add_sentences(adata: AnnData, cells: Sequence[Sequence[str]], frame: Frame, *, n_genes: int, key: str) -> None:
    """Store cells as sentences, with the line by which :func:`sc_duality.pp.reconstruct_expression` reads them."""
    params = {
        "n_genes": n_genes,
        "gene_symbols": frame.gene_symbols,
        "version": version("sc-duality"),
    }
    given = {name: value for name, value in params.items() if value is not None}
    store_sentences(adata, key, encode(cells, frame.place, n_genes), frame.genes, given)
    if frame.line:
        adata.uns[key][adata_keys.EXPRESSION_MODEL] = dict(frame.line)
