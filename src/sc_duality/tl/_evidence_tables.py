"""The cells that are read to explain the labels of groups, and the tables of genes that decided."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from ..cells import (
    GroupExpression,
    LabelGroup,
    adata_keys,
    column,
    group_expression,
    marker_genes,
    preview,
    ranked_matrix,
    text_column,
    to_shared_genes,
)
from ..examples import LabelExamples, ModelCells, cell_rng, model_names
from ._model import warn_not_answered
from ._occlusion import ExplainedGroup, Occlusion

logger = logging.getLogger(__name__)


class SampledGroup(NamedTuple):
    """A group with the rows of the cells that are read."""

    group: LabelGroup
    read: list[int]


def explained_groups(
    adata: AnnData,
    key: str,
    groups: Sequence[LabelGroup],
    cells: ModelCells,
    examples: LabelExamples,
    n_cells: int,
    seed: int,
) -> list[SampledGroup]:
    """The groups whose label is one of the options, each with a random sample of the cells with this label."""
    usable = cells.readable & (column(adata, adata_keys.status(key)) == adata_keys.OK).to_numpy()
    sampled, left_out = [], []
    for group in groups:
        rows = group.labelled[usable[group.labelled]]
        if group.label not in examples.labels or len(rows) == 0:
            left_out.append(group.name)
            continue
        rng = cell_rng(seed, "explain", group.name)
        sampled.append(SampledGroup(group, rng.choice(rows, min(n_cells, len(rows)), replace=False).tolist()))
    if not sampled:
        raise ValueError(
            f"no group has a label among the {len(examples.labels)} that obs[{key!r}] was predicted from "
            f"({preview(examples.labels)}), in cells with status 'ok': there is nothing to explain"
        )
    if left_out:
        logger.warning("%d groups have no label to explain: %s", len(left_out), preview(left_out))
    return sampled


def evidence_tables(
    adata: AnnData,
    key: str,
    groupby: str | None,
    sampled: Sequence[SampledGroup],
    occlusion: Occlusion,
    cells: ModelCells,
    examples: LabelExamples,
    n_genes: int,
) -> dict[str, pd.DataFrame]:
    """The tables in ``uns[key]["evidence"]``: genes, groups and expression."""
    labels = list(examples.labels)
    sampled, answered = _answered(sampled, occlusion.probability)
    explained = [
        _with_runner_up(one.group, part, labels, occlusion.probability)
        for one, part in zip(sampled, answered, strict=True)
    ]
    column_of_groups, matrix = groupby or key, ranked_matrix(adata, key)
    markers = _markers(adata, column_of_groups, n_genes, matrix)
    genes_of_data = cells.sentences.genes
    own = model_names(genes_of_data, cells.spec)
    names = {name: gene for gene, name in zip(genes_of_data[::-1], own[::-1], strict=True) if name is not None}
    parts = []
    for one, found, drops in zip(sampled, explained, occlusion.deciding_genes(explained, n_genes), strict=True):
        table = _ranked(drops.rename(index=names), n_genes)
        table.insert(0, "group", one.group.name)
        table.insert(1, "label", labels[found.label])
        table.insert(2, "runner_up", labels[found.runner_up])
        table["is_marker"] = table["gene"].isin(markers.get(one.group.name, ()))
        parts.append(table)
    genes = pd.concat(parts, ignore_index=True)
    wanted = list(dict.fromkeys(genes["gene"]))
    expression = expression_or_ranks(cells, text_column(adata, column_of_groups), wanted, matrix)
    kept = [one.group.name for one in sampled]
    fraction = expression.fraction.reindex(kept)
    genes["fraction"] = [fraction.at[group, gene] for group, gene in zip(genes["group"], genes["gene"], strict=True)]
    return {
        adata_keys.EVIDENCE_GENES: _storable(genes),
        adata_keys.EVIDENCE_GROUPS: _storable(_group_table(sampled, explained, labels, occlusion, markers)),
        adata_keys.EVIDENCE_EXPRESSION: _storable(_long_form(expression, kept)),
    }


def _answered(sampled: Sequence[SampledGroup], probability: np.ndarray) -> tuple[list[SampledGroup], list[list[int]]]:
    """The groups with an answer of the model, and the indices of their cells that have one."""
    has_answer = ~np.isnan(probability).any(axis=1)
    warn_not_answered(int((~has_answer).sum()), len(has_answer))
    if not has_answer.any():
        raise ValueError(f"the model gave no answer about any of {len(has_answer)} cells: call again")
    ends = np.cumsum([len(one.read) for one in sampled]).tolist()
    parts = [
        [i for i in range(end - len(one.read), end) if has_answer[i]] for one, end in zip(sampled, ends, strict=True)
    ]
    kept = [(one, part) for one, part in zip(sampled, parts, strict=True) if part]
    return [one for one, _ in kept], [part for _, part in kept]


def _with_runner_up(group: LabelGroup, cells: list[int], labels: list[str], probability: np.ndarray) -> ExplainedGroup:
    """The label of a group, and its runner-up: of all cells or, without probabilities, of those that were read."""
    label = labels.index(str(group.label))
    if group.runner_up in labels and not np.isnan(group.probability):
        return ExplainedGroup(cells, label, labels.index(str(group.runner_up)))
    mean = probability[cells].mean(axis=0)
    mean[label] = -1
    return ExplainedGroup(cells, label, int(mean.argmax()))


def _ranked(drops: pd.DataFrame, n_genes: int) -> pd.DataFrame:
    """Genes that speak for the label, the largest drop first: the first by drop and the first by contrast."""
    table = drops[~drops.index.duplicated()].rename_axis("gene").reset_index()
    for name, values in (("rank", table["drop"]), ("contrast_rank", table["contrast"])):
        table[name] = values.rank(ascending=False, method="first").astype(np.int64)
    by_drop = (table["rank"] <= n_genes) & (table["drop"] > 0)
    by_contrast = (table["contrast_rank"] <= n_genes) & (table["contrast"] > 0)
    return table[by_drop | by_contrast].sort_values("rank")


def _group_table(
    sampled: Sequence[SampledGroup],
    explained: Sequence[ExplainedGroup],
    labels: list[str],
    occlusion: Occlusion,
    markers: dict[str, tuple[str, ...]],
) -> pd.DataFrame:
    rows = []
    for (group, _), found in zip(sampled, explained, strict=True):
        mean = occlusion.probability[found.cells].mean(axis=0)
        of_all = not np.isnan(group.probability) and group.runner_up == labels[found.runner_up]
        rows.append(
            {
                "group": group.name,
                "label": labels[found.label],
                "probability": group.probability if of_all else mean[found.label],
                "runner_up": labels[found.runner_up],
                "runner_up_probability": group.runner_up_probability if of_all else mean[found.runner_up],
                "n_cells": len(group.rows),
                "n_labelled": len(group.labelled),
                "n_read": len(found.cells),
                "markers": ", ".join(markers.get(group.name, ())),
            }
        )
    return pd.DataFrame(rows)


def _markers(adata: AnnData, groupby: str, n_genes: int, matrix: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    try:
        return marker_genes(adata, groupby, n_genes=n_genes, **matrix)
    except (KeyError, ValueError) as error:
        logger.warning("there are no marker genes: %s", error)
        return {}


def expression_or_ranks(
    cells: ModelCells, groups: pd.Series, genes: list[str], matrix: dict[str, Any]
) -> GroupExpression:
    """Expression of genes of the sentences in each group: of the matrix, or rank weights if the matrix is gone."""
    try:
        return group_expression(cells.adata, groups, genes, **matrix)
    except (KeyError, ValueError) as error:
        logger.warning("expression is read from the cell sentences: %s", error)
    weights, vocabulary, _ = to_shared_genes([cells.adata], cells.sentence_key)
    chosen = weights[0][:, pd.Index(vocabulary).get_indexer(genes)].toarray()
    by_group = pd.DataFrame(chosen, columns=genes).groupby(groups.to_numpy())
    return GroupExpression(by_group.agg(lambda values: (values > 0).mean()), by_group.mean())


def _long_form(expression: GroupExpression, groups: list[str]) -> pd.DataFrame:
    """One row a gene and group."""
    parts = [
        table.reindex(groups).rename_axis("group").reset_index().melt("group", var_name="gene", value_name=name)
        for name, table in (("fraction", expression.fraction), ("mean_expression", expression.mean))
    ]
    return parts[0].assign(mean_expression=parts[1]["mean_expression"])


def _storable(table: pd.DataFrame) -> pd.DataFrame:
    """With an index of text, as files hold it."""
    return table.set_index(pd.Index([str(i) for i in range(len(table))]))
