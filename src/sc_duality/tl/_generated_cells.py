"""Cells that a model generates: from its completions to an AnnData."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from ..cells import (
    Fields,
    Sentences,
    adata_keys,
    check_name,
    check_new_fields,
    fit_rank_expression,
    gene_columns,
    in_memory,
    rebuild_expression,
    store_sentences,
)
from ..examples import model_names
from ..models import LanguageModel, ModelSpec, SamplingParams
from ..tasks import Failure, Question


class OutputGenes(NamedTuple):
    """The genes of generated cells, and how ranks become expression."""

    var: pd.DataFrame
    #: Symbols that count: those of the index of ``var``, or of its column ``gene_symbols``.
    genes: NDArray[np.object_]
    #: Index of each gene by the model's symbol for it.
    gene_index: Mapping[str, int]
    gene_symbols: str | None = None
    #: ``slope`` and ``intercept`` of expression by log rank; empty if unknown.
    line: Mapping[str, float] = {}


class GeneratedCells(NamedTuple):
    """One cell a question."""

    #: Genes, highest expression first; empty where the completion could not be read.
    cells: list[tuple[str, ...]]
    #: ``"ok"``, or why there are no genes.
    status: NDArray[np.object_]
    #: Names that are not a gene, and genes that were named again; 0 where the completion could not be read.
    n_unknown_genes: NDArray[np.int64]
    n_duplicate_genes: NDArray[np.int64]

    def take(self, index: NDArray[np.int64]) -> GeneratedCells:
        """The cells at these positions; −1 stands for a cell that was not answered."""
        lost = index < 0
        status = np.where(lost, adata_keys.NOT_ANSWERED, self.status[index])
        unknown, duplicates = (np.where(lost, 0, counts[index]) for counts in self[2:])
        return GeneratedCells([() if i < 0 else self.cells[i] for i in index], status, unknown, duplicates)


def check_keys(sentence_key: str, key_added: str, control: AnnData | None = None) -> None:
    """Refuse names that generated cells cannot have, or that would overwrite what they keep of the control cells."""
    check_name("sentence_key", sentence_key)
    if key_added in (sentence_key, adata_keys.control(sentence_key), "log1p"):
        raise ValueError(f"key_added={key_added!r} is the name of another entry of uns: pass another key_added=")
    columns = adata_keys.generated_columns(key_added)
    fields = Fields(obs=columns if control is None else columns[1:], var=adata_keys.change_columns(key_added))
    check_new_fields(AnnData(shape=(1, 1)) if control is None else control, key_added, fields)


def generate_cells(
    model: LanguageModel, questions: Sequence[Question | None], n_genes: Iterable[int], params: SamplingParams
) -> GeneratedCells:
    """Generate a cell for each question, cut to its number of genes; no cell without a question.

    All cells are requested in one call, in which a repeated prompt is sampled anew.
    """
    n, limits = len(questions), list(n_genes)
    present = [(i, question) for i, question in enumerate(questions) if question is not None]
    texts = model.generate([question.prompt for _, question in present], params) if present else []
    found = GeneratedCells(
        [()] * n, np.full(n, adata_keys.NO_GENES, object), np.zeros(n, np.int64), np.zeros(n, np.int64)
    )
    for (i, question), text in zip(present, texts, strict=True):
        answer = None if text is None else question.parse(text)
        if answer is None:
            found.status[i] = adata_keys.NOT_ANSWERED
        elif isinstance(answer, Failure):
            found.status[i] = str(answer.reason)
        else:
            found.cells[i], found.status[i] = answer.value[: limits[i]], adata_keys.OK
            found.n_unknown_genes[i], found.n_duplicate_genes[i] = answer.n_unknown, answer.n_duplicates
    return found


def output_genes(adata: AnnData, spec: ModelSpec, sentences: Sentences) -> OutputGenes:
    """The genes of these sentences, with the expression line that was fitted to them, or else the model's own."""
    gene_symbols = sentences.uns[adata_keys.PARAMS].get("gene_symbols")
    if (gene_columns(sentences.genes, adata, gene_symbols) < 0).all():
        raise KeyError(f"none of the {len(sentences.genes)} genes of the sentences is in var: were the genes renamed?")
    line = sentences.uns.get(adata_keys.EXPRESSION_MODEL, spec.expression_model)
    index = gene_index(sentences.genes, spec)
    return OutputGenes(in_memory(adata.var).copy(), sentences.genes, index, gene_symbols, line)


def with_line(genes: OutputGenes, adata: AnnData, sentences: Sentences) -> OutputGenes:
    """The same genes with an expression line fitted to ``adata`` if there is none."""
    return genes if genes.line else genes._replace(line=fit_rank_expression(adata, sentences))


def gene_index(genes: NDArray[np.object_], spec: ModelSpec) -> Mapping[str, int]:
    """Index of each of these genes by the model's symbol; of two symbols of one gene, the model's counts."""
    known = {name: i for i, name in enumerate(model_names(genes, spec)) if name is not None}
    return known | {gene: i for i, gene in enumerate(genes) if spec.genes is None or gene in spec.genes}


def to_anndata(
    found: GeneratedCells, obs: pd.DataFrame, genes: OutputGenes, *, n_genes: int, sentence_key: str, key_added: str
) -> AnnData:
    """Generated cells as an AnnData.

    Writes ``obsm[sentence_key]``, expression into ``X``, and in ``obs`` the status and the counts of unknown and
    duplicate genes.
    """
    obs[adata_keys.status(key_added)] = pd.Categorical(found.status)
    obs[adata_keys.n_unknown_genes(key_added)] = found.n_unknown_genes
    obs[adata_keys.n_duplicate_genes(key_added)] = found.n_duplicate_genes
    adata = AnnData(obs=obs, var=genes.var)
    add_sentences(adata, found.cells, genes, n_genes=n_genes, sentence_key=sentence_key)
    if genes.line and adata.n_vars:
        adata.X = expression(found.cells, adata, genes, n_genes)
        adata.uns["log1p"] = {"base": 10, "target_sum": 1e4}  # where scanpy looks for the base of the logarithm
    return adata


def add_sentences(
    adata: AnnData, cells: Sequence[Sequence[str]], genes: OutputGenes, *, n_genes: int, sentence_key: str
) -> None:
    """Write sentences into ``obsm`` and ``uns``, with the line by which they become expression."""
    params = {"n_genes": n_genes, "gene_symbols": genes.gene_symbols, "version": version("sc-duality")}
    kept = {name: value for name, value in params.items() if value is not None}
    store_sentences(adata, sentence_key, encode(cells, genes.gene_index, n_genes), genes.genes, kept)
    if genes.line:
        adata.uns[sentence_key][adata_keys.EXPRESSION_MODEL] = dict(genes.line)


def expression(cells: Sequence[Sequence[str]], adata: AnnData, genes: OutputGenes, n_genes: int) -> sparse.csr_matrix:
    """Expression of these sentences over the genes of ``adata``, in log10(1 + counts per 10,000)."""
    ranks = encode(cells, genes.gene_index, n_genes)
    columns = gene_columns(genes.genes, adata, genes.gene_symbols)
    slope, intercept = float(genes.line["slope"]), float(genes.line["intercept"])
    return rebuild_expression(ranks, columns, adata.n_vars, slope=slope, intercept=intercept)


def encode(cells: Sequence[Sequence[str]], index: Mapping[str, int], width: int) -> NDArray[np.int32]:
    """Gene lists as int32 (n, width): the index of each gene, −1 after the last gene of a cell."""
    cut: list[Any] = [cell[:width] for cell in cells]
    lengths = np.fromiter(map(len, cut), np.int64, len(cut))
    codes = np.full((len(cut), width), adata_keys.PADDING, np.int32)
    indices = np.fromiter(map(index.__getitem__, chain.from_iterable(cut)), np.int32, int(lengths.sum()))
    codes[np.arange(width) < lengths[:, None]] = indices
    return codes
