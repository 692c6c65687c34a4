"""The table of texts about groups of cells, with the genes that they cite and whether these are expressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from ..cells import adata_keys
from ..examples import TextExamples
from ..models import LanguageModel, engine_info
from ..tasks import TextExample, UnitReasoning, read_reasoning
from ._evidence_tables import expression_or_ranks
from ._reasoning_table import GeneNames, count_tokens
from ._storable_texts import storable_texts
from ._text_answers import TextAnswer

#: Share of the cells of a group from which a gene counts as expressed.
_MIN_FRACTION = 0.1
_TEXTS = ("text", "status", "model", "markers", "cited", "expressed", "unexpressed", "shown", "invented", "absent")


def text_table(
    model: LanguageModel,
    examples: TextExamples,
    groups: Mapping[str, TextExample | None],
    prompts: Mapping[str, str],
    texts: Mapping[str, TextAnswer],
) -> pd.DataFrame:
    """One row a group, as :func:`sc_duality.get.texts` describes it.

    Parameters
    ----------
    model
        The model that wrote the texts.
    examples
        The builder of the examples.
    groups
        The example of each group; ``None`` without cells that the model can read.
    prompts, texts
        The prompt and the text of each group with an example.
    """
    names = GeneNames(examples.cells.sentences.genes)
    tokens = dict(zip(prompts, count_tokens(list(prompts.values()), engine_info(model).n_tokens), strict=True))
    found = {name: _genes_of(names, one, texts.get(name)) for name, one in groups.items()}
    fraction = _fraction(examples, found)
    rows = []
    for name, one in groups.items():
        text, genes = texts.get(name), found[name]
        shown = set() if one is None else {genes.names[gene] for gene in shown_genes(one)}
        cited = genes.read.cited
        expressed = [gene for gene in cited if fraction.loc[name, gene] >= _MIN_FRACTION]
        rows.append(
            {
                "text": "" if text is None else text.value or "",
                "status": adata_keys.NO_GENES if text is None else text.status,
                "model": model.spec.name,
                "n_cells": len(examples.groups.rows[name]),
                "n_shown": 0 if one is None else len(one.cells),
                "n_genes": 0 if one is None else max(map(len, one.cells)),
                "prompt_tokens": tokens.get(name, 0),
                "markers": "" if one is None else " ".join(one.markers),
                "cited": " ".join(cited),
                "expressed": " ".join(expressed),
                "unexpressed": " ".join(gene for gene in cited if gene not in expressed),
                "shown": " ".join(gene for gene in cited if gene in shown),
                "invented": " ".join(gene for gene in cited if gene not in shown),
                "absent": " ".join(genes.read.absent),
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(list(groups), dtype=object, name="group"))
    for column in _TEXTS:
        table[column] = storable_texts(table[column]).to_numpy()
    return table


class _Genes(NamedTuple):
    """The genes that a text cites, and the names of the genes in its prompt."""

    read: UnitReasoning
    names: Mapping[str, str]


def _genes_of(names: GeneNames, example: TextExample | None, text: TextAnswer | None) -> _Genes:
    known = names.with_shown([] if example is None else shown_genes(example))
    if text is None or text.value is None:
        return _Genes(UnitReasoning(), known)
    return _Genes(read_reasoning(text.value, ["1"], known)["1"], known)


def shown_genes(example: TextExample) -> list[str]:
    """The genes that a prompt shows, each once."""
    return list(dict.fromkeys([*example.markers, *(gene for genes in example.cells for gene in genes)]))


def _fraction(examples: TextExamples, found: Mapping[str, _Genes]) -> pd.DataFrame:
    """Share of the cells of each group that express each gene that is cited; NaN for genes that were not measured."""
    genes = list(dict.fromkeys(gene for one in found.values() for gene in one.read.cited))
    if not genes:
        return pd.DataFrame(index=list(found))
    params = examples.cells.sentences.params
    group = pd.Series(examples.groups.group_of_cell, index=examples.cells.adata.obs_names)
    matrix = {"use_raw": bool(params.get("use_raw"))} | {name: params.get(name) for name in ("layer", "gene_symbols")}
    return expression_or_ranks(examples.cells, group, genes, matrix).fraction
