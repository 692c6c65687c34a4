"""Answers into AnnData: labels, the coarse types that they belong to, and the Cell Ontology terms of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from ..cells import adata_keys, drop_columns
from ..models import ModelSpec
from ._answers import Answers


def write(
    adata: AnnData, key: str, answers: Answers, names: Mapping[str, str], spec: ModelSpec, threshold: float | None
) -> None:
    """Write the answers; what an earlier answer left goes.

    ``names`` are the labels as they are written, each with the model's own name for it. Without a ``threshold`` the
    answers have no confidence, and none is unknown.
    """
    drop_columns(adata, [name(key) for name in adata_keys.COMPANIONS])
    own = list(names.values())
    unsure = _unsure(answers, threshold)
    adata.obs[key] = _named(answers, list(names), unsure)
    adata.obs[adata_keys.status(key)] = pd.Categorical(np.where(unsure, adata_keys.UNKNOWN, answers.status))
    if threshold is not None:
        adata.obs[adata_keys.confidence(key)] = answers.confidence
    if answers.familiarity is not None:
        adata.obs[adata_keys.in_distribution(key)] = answers.familiarity
    _write_terms(adata, key, answers, own, spec, unsure)
    coarse = spec.known("annotation", "coarse", {})
    if all(label in coarse for label in own):
        _write_coarse(adata, key, answers, [coarse[label] for label in own], spec, threshold)
    if adata_keys.probabilities(key) in adata.obsm:
        del adata.obsm[adata_keys.probabilities(key)]
    if answers.probability is not None:
        columns = [name.replace("/", "|") for name in names]  # "/" may stand in no key of a file
        table = pd.DataFrame(answers.probability, index=adata.obs_names, columns=columns)
        adata.obsm[adata_keys.probabilities(key)] = table


def summed(probability: NDArray[np.float64], types: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability of each type, where ``types`` has that of each label: a sum of columns, and at most 1.

    Columns are added one by one, so that a cell's sum does not depend on the cells beside it.
    """
    sums = np.zeros((len(probability), types.max() + 1))
    for label, kind in enumerate(types):
        sums[:, kind] += probability[:, label]
    return np.minimum(sums, 1)


def _coarser(answers: Answers, types: NDArray[np.int64]) -> Answers:
    """The most probable type; where the model wrote, that of its label, as sure as the label."""
    answered = answers.best >= 0
    if answers.probability is None:
        return answers._replace(best=np.where(answered, types[answers.best], -1))
    sums = summed(answers.probability, types)
    return answers._replace(best=np.where(answered, sums.argmax(1), -1), confidence=sums.max(1), probability=sums)


def _write_coarse(
    adata: AnnData, key: str, answers: Answers, above: Sequence[str], spec: ModelSpec, threshold: float | None
) -> None:
    """The same for the coarse types, of which ``above`` has that of each label."""
    types, names = pd.factorize(np.array(above, dtype=object))
    coarser = _coarser(answers, types)
    unsure = _unsure(coarser, threshold)
    adata.obs[adata_keys.coarse(key)] = _named(coarser, names, unsure)
    if answers.probability is not None:
        adata.obs[adata_keys.coarse_confidence(key)] = coarser.confidence
    _write_terms(adata, adata_keys.coarse(key), coarser, names, spec, unsure)


def _unsure(answers: Answers, threshold: float | None) -> NDArray[np.bool_]:
    """Which answers are too uncertain to be given; not those that are missing, whose confidence is NaN."""
    if threshold is None:
        return np.zeros(len(answers.best), dtype=bool)
    familiarity = 1.0 if answers.familiarity is None else answers.familiarity
    return answers.confidence * familiarity < threshold


def _named(answers: Answers, names: Sequence[str], unsure: NDArray[np.bool_]) -> pd.Categorical:
    found = pd.Categorical.from_codes(answers.best, categories=list(names))
    if adata_keys.UNKNOWN not in found.categories:
        found = found.add_categories(adata_keys.UNKNOWN)
    found[unsure] = adata_keys.UNKNOWN
    return found.remove_unused_categories()


def _write_terms(
    adata: AnnData, key: str, answers: Answers, names: Sequence[str], spec: ModelSpec, unsure: NDArray[np.bool_]
) -> None:
    """The term of each answer, if the model knows one for any of these names of its own."""
    ontology = spec.known("annotation", "ontology", {})
    codes, terms = pd.factorize(np.array([ontology.get(name) for name in names], dtype=object))
    if len(terms):
        given = np.where(unsure | (answers.best < 0), -1, codes[answers.best])
        found = pd.Categorical.from_codes(given, categories=terms)
        adata.obs[adata_keys.ontology_term(key)] = found.remove_unused_categories()
