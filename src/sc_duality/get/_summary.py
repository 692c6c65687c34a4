"""A table of predicted labels with one row a group."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._validation import positive_integer
from ..cells import (
    LabelGroup,
    adata_keys,
    label_groups,
    label_options,
    marker_genes,
    modality,
    mode,
    optional_column,
    ranked_matrix,
    stored_evidence,
    text_column,
)
from ._evidence import evidence

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


def summary(
    adata: AnnData | MuData,
    key: str = adata_keys.ANNOTATION,
    groupby: str | None = None,
    *,
    n_genes: int = 5,
    mod: str = "rna",
) -> pd.DataFrame:
    """Summary of predicted labels: one row a group of cells, the largest first.

    Parameters
    ----------
    adata
        Cells with labels of any tool that labels cells, or of another program in ``obs[key]``.
    key
        The predictions.
    groupby
        ``obs`` column of clusters. By default, the cells of each label are a group.
    n_genes
        Genes of each group at most.
    mod
        Modality of a MuData.

    Returns
    -------
    DataFrame with the groups as its index and, as far as they are known, the columns

    ``n_cells``
        Number of cells of the group.
    ``label``, ``agreement``
        The most frequent label other than ``"unknown"``, and the share of the cells that have it.
    ``runner_up``, ``runner_up_probability``
        The other label with the highest mean probability. Without probabilities it is the second most frequent one,
        and ``runner_up_share`` is its share of the cells.
    ``confidence``
        Mean confidence of the cells.
    ``unknown``
        Share of the cells that are ``"unknown"`` or have no prediction.
    ``deciding_genes``, or ``marker_genes``
        Genes that decided, if :func:`sc_duality.tl.explain` explained these groups; else differentially expressed
        genes.
    ``coarse``, ``ontology_term_id``
        Most frequent coarse type and Cell Ontology term of the cells with the label.

    Raises
    ------
    KeyError
        ``obs`` has no such columns.
    ValueError
        No cell has a group.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()[::6].copy()
    >>> sd.tl.annotate(adata, labels="blood")
    >>> table = sd.get.summary(adata, groupby="cell_type")
    >>> table.loc["B cells", ["label", "ontology_term_id"]].tolist()
    ['B cell', 'CL:0000236']
    """
    data = modality(adata, mod)
    n_genes = positive_integer("n_genes", n_genes)
    groups = label_groups(data, key, groupby)
    found: dict[str, list[Any]] = {
        "n_cells": [len(group.rows) for group in groups],
        "label": [group.label for group in groups],
        "agreement": [len(group.labelled) / len(group.rows) for group in groups],
        "runner_up": [group.runner_up for group in groups],
        _runner_up_column(data, key): [group.runner_up_probability for group in groups],
    }
    confidence = optional_column(data, adata_keys.confidence(key))
    if confidence is not None:
        values = pd.to_numeric(confidence, errors="coerce")
        found["confidence"] = [float(values.iloc[group.rows].mean()) for group in groups]
    found["unknown"] = _unknown(data, key, groups)
    found |= _genes(data, key, groupby, groups, n_genes)
    for name, column in (("coarse", adata_keys.coarse(key)), ("ontology_term_id", adata_keys.ontology_term(key))):
        values = optional_column(data, column)
        if values is not None:
            found[name] = [mode(values.iloc[group.labelled]) for group in groups]
    index = pd.Index([group.name for group in groups], name=groupby or key)
    return pd.DataFrame(found, index=index)


def _runner_up_column(adata: AnnData, key: str) -> str:
    return f"runner_up_{'probability' if adata_keys.probabilities(key) in adata.obsm else 'share'}"


def _unknown(adata: AnnData, key: str, groups: list[LabelGroup]) -> list[float]:
    """Share of cells without a label, or with the label ``"unknown"`` unless it is one of the options."""
    labels = text_column(adata, key)
    missing = labels.isna().to_numpy()
    if adata_keys.UNKNOWN not in label_options(adata, key):
        missing |= (labels == adata_keys.UNKNOWN).to_numpy()
    return [float(np.mean(missing[group.rows])) for group in groups]


def _genes(
    adata: AnnData, key: str, groupby: str | None, groups: list[LabelGroup], n_genes: int
) -> dict[str, list[str]]:
    """Genes that decided, if these groups were explained; else marker genes, if the matrix has any."""
    if explained_by(adata, key, groupby):
        table = evidence(adata, key, n_genes=n_genes)
        by_group = {str(name): ", ".join(part["gene"]) for name, part in table.groupby("group", observed=True)}
        return {"deciding_genes": [by_group.get(group.name, "") for group in groups]}
    try:
        markers = marker_genes(adata, groupby or key, n_genes=n_genes, **ranked_matrix(adata, key))
    except (KeyError, ValueError) as error:
        logger.warning("the summary has no marker genes: %s", error)
        return {}
    return {"marker_genes": [", ".join(markers.get(group.name, ())) for group in groups]}


def explained_by(adata: AnnData, key: str, groupby: str | None) -> bool:
    """Whether :func:`sc_duality.tl.explain` explained the groups in this column."""
    found = stored_evidence(adata, key)
    return found is not None and found[adata_keys.PARAMS].get("groupby") == groupby
