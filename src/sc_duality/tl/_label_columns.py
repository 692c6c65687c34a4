"""Predicted labels as columns of an AnnData."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from ..cells import adata_keys, cell_names, check_name
from ..models import ModelSpec
from ._label_predictions import LabelPredictions


def write_labels(
    adata: AnnData, key: str, predictions: LabelPredictions, labels: Sequence[str], threshold: float | None
) -> None:
    """Write ``obs[key]``, its status, confidence and in-distribution probability, and ``obsm`` probabilities.

    Without a ``threshold`` there is no confidence, and no label is unknown.
    """
    unsure = is_unsure(predictions, threshold)
    adata.obs[key] = named_labels(predictions.best, labels, unsure)
    adata.obs[adata_keys.status(key)] = pd.Categorical(np.where(unsure, adata_keys.UNKNOWN, predictions.status))
    if threshold is not None:
        adata.obs[adata_keys.confidence(key)] = predictions.confidence
    if predictions.in_distribution is not None:
        adata.obs[adata_keys.in_distribution(key)] = predictions.in_distribution
    if predictions.probability is not None:
        columns = probability_columns(adata, labels)
        table = pd.DataFrame(predictions.probability, index=adata.obs_names, columns=columns)
        adata.obsm[adata_keys.probabilities(key)] = table


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
    threshold: float | None,
    terms: Mapping[str, str] | None = None,
) -> None:
    """Write the Cell Ontology terms of the labels, and their coarse types, as far as the model knows them.

    ``labels`` are in the model's own names; ``terms`` are their terms, by default those that the model knows.
    """
    known: Mapping[str, str] = spec.known("annotation", "ontology", {})
    _write_terms(adata, key, predictions, labels, known if terms is None else terms, is_unsure(predictions, threshold))
    coarse: Mapping[str, str] = spec.known("annotation", "coarse", {})
    if not labels or not all(label in coarse for label in labels):
        return
    types, names = pd.factorize(np.array([coarse[label] for label in labels], dtype=object))
    coarser = _coarse_predictions(predictions, types)
    unsure = is_unsure(coarser, threshold)
    adata.obs[adata_keys.coarse(key)] = named_labels(coarser.best, names, unsure)
    if predictions.probability is not None:
        adata.obs[adata_keys.coarse_confidence(key)] = coarser.confidence
    _write_terms(adata, adata_keys.coarse(key), coarser, names, known, unsure)


def is_unsure(predictions: LabelPredictions, threshold: float | None) -> NDArray[np.bool_]:
    """Whether confidence × in-distribution probability is below the threshold; not for missing labels."""
    if threshold is None:
        return np.zeros(len(predictions.best), dtype=bool)
    in_distribution = 1.0 if predictions.in_distribution is None else predictions.in_distribution
    return predictions.confidence * in_distribution < threshold


def named_labels(best: NDArray[np.int64], labels: Sequence[str], unsure: NDArray[np.bool_]) -> pd.Categorical:
    """Labels by their index; ``"unknown"`` where unsure."""
    found = pd.Categorical.from_codes(best, categories=list(labels))
    if adata_keys.UNKNOWN not in found.categories:
        found = found.add_categories(adata_keys.UNKNOWN)
    found[unsure] = adata_keys.UNKNOWN
    return found.remove_unused_categories()


def sum_by_type(probability: NDArray[np.float64], types: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability of each coarse type: a sum of label probabilities, at most 1.

    Columns are added one by one, so that the sum of a cell does not depend on other cells.
    """
    sums = np.zeros((len(probability), types.max() + 1))
    for label, kind in enumerate(types):
        sums[:, kind] += probability[:, label]
    return np.minimum(sums, 1)


def _coarse_predictions(predictions: LabelPredictions, types: NDArray[np.int64]) -> LabelPredictions:
    """The most probable coarse type, or that of the label where the model generated text."""
    labelled = predictions.best >= 0
    if predictions.probability is None:
        return predictions._replace(best=np.where(labelled, types[predictions.best], -1))
    sums = sum_by_type(predictions.probability, types)
    return predictions._replace(best=np.where(labelled, sums.argmax(1), -1), confidence=sums.max(1), probability=sums)


def _write_terms(
    adata: AnnData,
    key: str,
    predictions: LabelPredictions,
    labels: Sequence[str],
    ontology: Mapping[str, str],
    unsure: NDArray[np.bool_],
) -> None:
    """The ontology term of each label, if any of them has one."""
    codes, terms = pd.factorize(np.array([ontology.get(label) for label in labels], dtype=object))
    if len(terms):
        chosen = np.where(unsure | (predictions.best < 0), -1, codes[predictions.best])
        found = pd.Categorical.from_codes(chosen, categories=terms)
        adata.obs[adata_keys.ontology_term(key)] = found.remove_unused_categories()
