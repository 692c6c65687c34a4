"""Accuracy of a model and of its dual tasks, task by task, and what it means for training by duality."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from ..duality import Accuracy, task_accuracy
from ..models import LanguageModel
from ..tasks import TrainingExample

logger = logging.getLogger(__name__)


def accuracies(model: LanguageModel, examples: Sequence[TrainingExample]) -> dict[str, Accuracy]:
    """Accuracy of the primal and the dual task, by task, on examples with a truth."""
    by_task: dict[str, list[TrainingExample]] = {}
    for one in examples:
        if one.example.truth is not None:
            by_task.setdefault(one.task.name, []).append(one)
    return {name: task_accuracy(model, same[0].task, [one.example for one in same]) for name, same in by_task.items()}


def warn_if_dual_is_weak(found: Mapping[str, Accuracy]) -> None:
    """Warn where a duality reward pulls the policy towards a verifier that knows less than the policy."""
    for task, (primal, dual, chance, n) in found.items():
        if dual < primal:
            logger.warning(
                "%s: on %d labelled examples the dual task is right for %.0f %% and the model itself for %.0f %%: a "
                "duality reward pulls it towards the weaker one; train the dual with train_sft(contrast=1.0), or hide "
                "what the model does not see (sd.Duality(hidden='cluster'))",
                task, n, 100 * dual, 100 * primal,
            )  # fmt: skip
        elif dual < 1.5 * chance:
            logger.warning(
                "%s: on %d labelled examples the dual task is right for %.0f %%, and chance is %.0f %%: its reward is "
                "noise; train it first, with tl.train_sft",
                task, n, 100 * dual, 100 * chance,
            )  # fmt: skip
