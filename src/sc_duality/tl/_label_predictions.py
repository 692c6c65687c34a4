"""Predicted labels, one a cell or one a group."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells import adata_keys

#: Smallest probability of a label by one cell of a group.
MIN_PROBABILITY = 1e-6


class LabelPredictions(NamedTuple):
    """One prediction a cell."""

    #: (n_obs,): index of the label among the options, −1 where there is none.
    best: NDArray[np.int64]
    #: (n_obs,): ``"ok"``, or why there is no label.
    status: NDArray[np.object_]
    #: (n_obs,): probability of the label or its share of the votes; NaN where there is neither.
    confidence: NDArray[np.float64]
    #: (n_obs, n_labels), NaN without a prediction; ``None`` if the model generated text. A row may sum to less than 1,
    #: by the probability that none of the labels is right.
    probability: NDArray[np.float64] | None
    #: (n_obs,): in-distribution probability; ``None`` without a reference classifier.
    in_distribution: NDArray[np.float64] | None
    #: (n_obs, n_samples): the label of each generated text, −1 where there is none; ``None`` if they do not vote.
    votes: NDArray[np.int64] | None = None

    @classmethod
    def empty(
        cls, n: int, n_labels: int, status: str, *, scored: bool, in_distribution: bool, n_votes: int = 0
    ) -> LabelPredictions:
        """No prediction for any of ``n`` cells."""
        return cls(
            np.full(n, -1),
            np.full(n, status, dtype=object),
            np.full(n, np.nan),
            np.full((n, n_labels), np.nan) if scored else None,
            np.full(n, np.nan) if in_distribution else None,
            np.full((n, n_votes), -1) if n_votes else None,
        )

    def choose(self, best: NDArray[np.int64]) -> LabelPredictions:
        """Other labels for the same cells; a cell that had a label and has none now was not answered."""
        lost = (best < 0) & (self.status == adata_keys.OK)
        self.status[lost] = adata_keys.NOT_ANSWERED
        if self.probability is not None:
            self.probability[lost] = np.nan
            self.confidence[:] = np.where(best < 0, np.nan, self.probability[np.arange(len(best)), best])
        if self.in_distribution is not None:
            self.in_distribution[lost] = np.nan
        return self._replace(best=best)

    def of_cells(self, unit: NDArray[np.int64]) -> LabelPredictions:
        """The prediction of the unit of each cell; cells of unit −1 are in no group."""
        probability, in_distribution = self.probability, self.in_distribution
        if probability is not None:
            probability = np.vstack([probability, np.full(probability.shape[1], np.nan)])[unit]
        return LabelPredictions(
            np.append(self.best, -1)[unit],
            np.append(self.status, adata_keys.NO_GROUP).astype(object)[unit],
            np.append(self.confidence, np.nan)[unit],
            probability,
            None if in_distribution is None else np.append(in_distribution, np.nan)[unit],
        )

    def merge(self, types: NDArray[np.int64], *, keep_best: bool = False) -> LabelPredictions:
        """Predictions of coarser labels, each the sum of some: ``types`` is the coarser label of each.

        The best is the most probable; with ``keep_best``, or without probabilities, that of the label.
        """
        if np.array_equal(types, np.arange(len(types))):
            return self
        labelled = self.best >= 0
        kept = np.where(labelled, types[self.best], -1)
        if self.probability is None:
            votes = None if self.votes is None else np.where(self.votes >= 0, types[self.votes], -1)
            return self._replace(best=kept, votes=votes)
        sums = sum_by_type(self.probability, types)
        best = kept if keep_best else np.where(labelled, sums.argmax(1), -1)
        confidence = np.where(labelled, sums[np.arange(len(best)), best], np.nan)
        return self._replace(best=best, confidence=confidence, probability=sums)


def sum_by_type(probability: NDArray[np.float64], types: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability of each coarse type: a sum of label probabilities, at most 1.

    Columns are added one by one, so that the sum of a cell does not depend on other cells.
    """
    sums = np.zeros((len(probability), types.max() + 1))
    for label, kind in enumerate(types):
        sums[:, kind] += probability[:, label]
    return np.minimum(sums, 1)


def pool_by_group(predictions: LabelPredictions, groups: pd.Series, n_labels: int) -> LabelPredictions:
    """One label a group: the highest summed log-probability, or the most votes where the model generated text."""
    probability, in_distribution = predictions.probability, predictions.in_distribution
    pooled = LabelPredictions.empty(
        len(predictions.best),
        n_labels,
        adata_keys.NO_GROUP,
        scored=probability is not None,
        in_distribution=in_distribution is not None,
    )
    for members in groups.groupby(groups, observed=True).indices.values():
        voters = members[predictions.best[members] >= 0]
        if len(voters) == 0:
            pooled.status[members] = predictions.status[members]
            continue
        if probability is None:
            votes = (predictions.best if predictions.votes is None else predictions.votes)[voters].ravel()
            share = np.bincount(votes[votes >= 0], minlength=n_labels) / (votes >= 0).sum()
            best = int(share.argmax())
        else:
            share = probability[voters].mean(0)
            best = int(np.log(np.maximum(probability[voters], MIN_PROBABILITY)).sum(0).argmax())
        pooled.best[members], pooled.confidence[members], pooled.status[members] = best, share[best], adata_keys.OK
        if pooled.probability is not None:
            pooled.probability[members] = share
        if in_distribution is not None and pooled.in_distribution is not None:
            pooled.in_distribution[members] = in_distribution[voters].mean()
    return pooled
