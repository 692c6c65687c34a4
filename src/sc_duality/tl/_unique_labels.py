"""Labels that no two groups share, from the probabilities of each cell: the exact joint assignment."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax

from ..cells import adata_keys
from ._assignment import assignment_posterior, best_assignment
from ._label_columns import is_unsure
from ._label_predictions import MIN_PROBABILITY, LabelPredictions
from ._units import Units

logger = logging.getLogger(__name__)

#: Smallest probability that a unit has any of the labels, or none.
_MIN_OF_ANY = 0.01
#: Changed labels that a log line names at most.
_MAX_NAMED = 5


def assign_units(
    predictions: LabelPredictions, units: Units, labels: list[str]
) -> tuple[LabelPredictions, LabelPredictions]:
    """The label of each unit: of all that give no two units of a batch the same label, the most likely ones.

    The log-probability of a label for a group is the mean over its cells, so that no group counts for more than
    another; the confidence is the posterior of the label among all such assignments. Where labels are fewer than units,
    the units that are most likely none of them, as far as the model tells that, are ``"unknown"``.

    Parameters
    ----------
    predictions
        One prediction a cell, with probabilities.
    units
        The units.
    labels
        Names of the labels.

    Returns
    -------
    One prediction a unit with the constraint, and one without it.
    """
    evidence, any_label = _mean_log_probability(predictions, units), _log_odds_of_any(predictions, units)
    answered = np.asarray(~np.isnan(evidence).any(axis=1))
    first = pd.Series(np.arange(len(units.of_cell)))[units.of_cell >= 0]
    status = predictions.status[first.groupby(units.of_cell[first]).first()]
    joint, independent = (
        LabelPredictions.empty(len(units.names), len(labels), adata_keys.OK, scored=True, in_distribution=False)
        for _ in range(2)
    )
    for name, members in units.batches.items():
        options = np.array(units.options(name, labels))
        members = members[answered[members]]
        if len(members) == 0:
            continue
        alone = log_softmax(evidence[np.ix_(members, options)], axis=1)
        _fill(independent, members, options, alone.argmax(axis=1), np.exp(alone))
        weight = alone + any_label[members, None]
        _fill(joint, members, options, best_assignment(weight), assignment_posterior(weight))
    labelled = joint.best >= 0
    joint.status[~labelled] = np.where(answered, adata_keys.UNKNOWN, status)[~labelled]
    independent.status[~answered] = status[~answered]
    in_distribution = _mean(predictions.in_distribution, units)
    _log_changes(joint, independent, units, labels)
    return joint._replace(in_distribution=in_distribution), independent


def group_table(units: Units, predictions: LabelPredictions, labels: list[str], threshold: float) -> pd.DataFrame:
    """One row a group, for ``uns[key]["groups"]``: its batch, size and label."""
    unsure, names = is_unsure(predictions, threshold), np.array([*labels, adata_keys.UNKNOWN, ""], dtype=object)
    return pd.DataFrame(
        {
            "batch": units.batch,
            "n_cells": np.bincount(units.of_cell[units.of_cell >= 0], minlength=len(units.names)),
            "label": names[np.where(unsure, len(labels), predictions.best)],
            "status": np.where(unsure, adata_keys.UNKNOWN, predictions.status).astype(object),
            "confidence": predictions.confidence,
        },
        index=pd.Index(units.names, dtype=object, name="group"),
    )


def _log_changes(joint: LabelPredictions, independent: LabelPredictions, units: Units, labels: list[str]) -> None:
    """Name the units whose label the constraint changed."""
    names = np.array([*labels, adata_keys.UNKNOWN], dtype=object)
    changed = np.flatnonzero(joint.best != independent.best)
    shown = [f"{units.names[i]}: {names[independent.best[i]]} → {names[joint.best[i]]}" for i in changed[:_MAX_NAMED]]
    listed = f": {'; '.join(shown)}{' …' if len(changed) > _MAX_NAMED else ''}" if shown else ""
    logger.info("uniqueness changed the label of %d of %d%s", len(changed), len(units.names), listed)


def _fill(
    predictions: LabelPredictions,
    members: NDArray[np.int64],
    options: NDArray[np.int64],
    best: NDArray[np.int64],
    probability: NDArray[np.float64],
) -> None:
    """Write the labels of a batch, given as indices of its options."""
    assert predictions.probability is not None
    predictions.probability[members] = 0
    predictions.probability[np.ix_(members, options)] = probability
    predictions.best[members] = np.where(best < 0, -1, options[best])
    confidence = probability[np.arange(len(best)), best]
    predictions.confidence[members] = np.where(best < 0, 1 - probability.sum(axis=1), confidence)


def _mean_log_probability(predictions: LabelPredictions, units: Units) -> NDArray[np.float64]:
    """Mean over the cells of each unit that have a prediction, (n_units, n_labels); NaN where none has."""
    assert predictions.probability is not None
    sums = np.zeros((len(units.names), predictions.probability.shape[1]))
    rows = np.flatnonzero((units.of_cell >= 0) & (predictions.best >= 0))
    np.add.at(sums, units.of_cell[rows], np.log(np.maximum(predictions.probability[rows], MIN_PROBABILITY)))
    n_cells = np.bincount(units.of_cell[rows], minlength=len(sums))
    return sums / np.where(n_cells, n_cells, np.nan)[:, None]


def _log_odds_of_any(predictions: LabelPredictions, units: Units) -> NDArray[np.float64]:
    """Log-odds that a unit has any of the labels, by what is left to 1 in the probabilities of its cells."""
    assert predictions.probability is not None
    found = _mean(predictions.probability.sum(axis=1), units)
    assert found is not None
    return np.log(np.clip(found, _MIN_OF_ANY, 1) / np.clip(1 - found, _MIN_OF_ANY, 1))


def _mean(values: NDArray[np.float64] | None, units: Units) -> NDArray[np.float64] | None:
    """Mean of a value of each cell over the cells of each unit; NaN where there is none."""
    if values is None:
        return None
    kept = (units.of_cell >= 0) & ~np.isnan(values)
    found = pd.Series(values[kept]).groupby(units.of_cell[kept]).mean()
    return found.reindex(range(len(units.names))).to_numpy()
