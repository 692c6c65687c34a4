"""Of several sampled answers, the one with the best duality score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import LanguageModel
from ..tasks import Task
from ._duality_settings import Duality
from ._score import duality_score


def best_by_duality(
    model: LanguageModel,
    task: Task,
    examples: Sequence[Any],
    samples: Sequence[Sequence[Any]],
    duality: Duality,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Index of the best sample of each example; of equal scores the first.

    Parameters
    ----------
    model
        The model that scores.
    task
        The task, in the prompt format of the model.
    examples
        n examples with something hidden.
    samples
        For each example its sampled answers, ``None`` where one could not be read.
    duality, seed
        See :func:`duality_score`.

    Returns
    -------
    int64 (n,): 0 where no sample could be read; −1 where a sample could not be scored, so that the rest of a run does
    not depend on what failed in it.
    """
    pairs = [(i, answer) for i, row in enumerate(samples) for answer in dict.fromkeys(row) if answer is not None]
    scores = duality_score(model, task, [examples[i] for i, _ in pairs], [answer for _, answer in pairs], duality, seed)
    by_answer = dict(zip(pairs, scores, strict=True))
    best = np.zeros(len(samples), dtype=np.int64)
    for i, row in enumerate(samples):
        ranked = [by_answer.get((i, answer), -np.inf) for answer in row]
        best[i] = -1 if np.isnan(ranked).any() else int(np.argmax(ranked))
    return best
