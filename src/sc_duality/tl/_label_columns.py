"""Predicted labels as columns of an AnnData."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from ..cells import adata_keys, cell_names, check_name, ontology_term, write_colors
from ..models import ModelSpec
from ._label_predictions import LabelPredictions

#: Confidence below which a cell is unknown: one for all cells, or one a cell, (n_obs,).
Threshold = float | NDArray[np.float64] | None


def write_labels(
    adata: AnnData, key: str, predictions: LabelPredictions, labels: Sequence[str], threshold: Threshold
) -> None:
    """Write ``obs[key]``, its status, confidence, nearest label and in-distribution probability, and probabilities.

    Without a ``threshold`` there is no confidence, and no label is unknown.
    """
    unsure = is_unsure(predictions, threshold)
    adata.obs[key] = named_labels(predictions.best, labels, unsure)
    adata.obs[adata_keys.status(key)] = pd.Categorical(np.where(unsure, adata_keys.UNKNOWN, predictions.status))
    if threshold is not None:
        adata.obs[adata_keys.confidence(key)] = predictions.confidence
    if threshold is not None and predictions.probability is not None:
        adata.obs[adata_keys.nearest(key)] = named_labels(predictions.best, labels, is_unsure(predictions, None))
    if predictions.in_distribution is not None:
        adata.obs[adata_keys.in_distribution(key)] = predictions.in_distribution
    if predictions.probability is not None:
        write_probabilities(adata, key, predictions.probability, labels)


def write_probabilities(adata: AnnData, key: str, probability: NDArray[np.float64], labels: Sequence[str]) -> None:
    """Write ``obsm`` probabilities, (n_obs, n_labels)."""
    columns = probability_columns(adata, labels)
    adata.obsm[adata_keys.probabilities(key)] = pd.DataFrame(probability, index=adata.obs_names, columns=columns)


def write_independent(adata: AnnData, key: str, predictions: LabelPredictions | None, labels: Sequence[str]) -> None:
    """Write the labels that cells would have if labels were not unique, and their confidence; nothing without them."""
    if predictions is None:
        return
    adata.obs[adata_keys.independent(key)] = named_labels(predictions.best, labels, is_unsure(predictions, None))
    adata.obs[adata_keys.confidence(adata_keys.independent(key))] = predictions.confidence


def probability_columns(adata: AnnData, labels: Iterable[str]) -> list[str]:
    """The column of each label in the table of probabilities: "|" for "/", which files cannot hold in a name."""
    columns: dict[str, str] = {}
    index_name = cell_names(adata).name
    for label in labels:
        column = adata_keys.probability_column(label)
        check_name("label", column)
        if column in columns:
            raise ValueError(
                f"the labels {columns[column]!r} and {label!r} would share the column {column!r} of probabilities, as "
                "files cannot hold '/' in a name: rename one of them"
            )
        if column == index_name:
            raise ValueError(
                f"the label {label!r} is the name of the index of obs, and files cannot hold both in the table of "
                "probabilities: rename the index, adata.obs.index.name = None"
            )
        columns[column] = label
    return list(columns)


def write_cell_types(
    adata: AnnData,
    key: str,
    predictions: LabelPredictions,
    labels: Sequence[str],
    spec: ModelSpec,
    threshold: Threshold,
) -> None:
    """Write the Cell Ontology terms of the labels, their coarse types as far as the model knows them, and colours.

    ``labels`` are in the model's own names.
    """
    _write_terms(adata, key, predictions, labels, spec, is_unsure(predictions, threshold))
    write_colors(adata, key)
    known: Mapping[str, str] = spec.known("annotation", "coarse", {})
    coarse = {name: name for name in known.values()} | {**known}
    if not labels or not all(label in coarse for label in labels):
        return
    types, names = pd.factorize(np.array([coarse[label] for label in labels], dtype=object))
    coarser = predictions.merge(types)
    unsure = is_unsure(coarser, threshold)
    adata.obs[adata_keys.coarse(key)] = named_labels(coarser.best, names, unsure)
    write_colors(adata, adata_keys.coarse(key))
    if predictions.probability is not None:
        adata.obs[adata_keys.coarse_confidence(key)] = coarser.confidence
    _write_terms(adata, adata_keys.coarse(key), coarser, names, spec, unsure)


def is_unsure(predictions: LabelPredictions, threshold: Threshold) -> NDArray[np.bool_]:
    """Whether confidence × in-distribution probability is below the threshold; not for missing labels.

    Cells to which no label was left are unknown too.
    """
    unknown = np.asarray(predictions.status == adata_keys.UNKNOWN)
    if threshold is None:
        return unknown
    in_distribution = 1.0 if predictions.in_distribution is None else predictions.in_distribution
    return unknown | (predictions.confidence * in_distribution < threshold)


def named_labels(best: NDArray[np.int64], labels: Sequence[str], unsure: NDArray[np.bool_]) -> pd.Categorical:
    """Labels by their index; ``"unknown"`` where unsure."""
    found = pd.Categorical.from_codes(best, categories=list(labels))
    if adata_keys.UNKNOWN not in found.categories:
        found = found.add_categories(adata_keys.UNKNOWN)
    found[unsure] = adata_keys.UNKNOWN
    return found.remove_unused_categories()


def _write_terms(
    adata: AnnData,
    key: str,
    predictions: LabelPredictions,
    labels: Sequence[str],
    spec: ModelSpec,
    unsure: NDArray[np.bool_],
) -> None:
    """The ontology term of each label, if the model or the shipped ontology has one for any of them."""
    ontology = spec.known("annotation", "ontology", {})
    known = [ontology.get(label) or ontology_term(label) for label in labels]
    codes, terms = pd.factorize(np.array(known, dtype=object))
    if len(terms):
        chosen = np.where(unsure | (predictions.best < 0), -1, codes[predictions.best])
        found = pd.Categorical.from_codes(chosen, categories=terms)
        adata.obs[adata_keys.ontology_term(key)] = found.remove_unused_categories()
