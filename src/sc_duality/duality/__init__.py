"""Duality: how well a prediction lets a model reconstruct what it was predicted from, and what follows from that score.

Shared by the tools, the trainers and the rewards.
"""

from __future__ import annotations

from ._accuracy import Accuracy, task_accuracy
from ._best_of import best_by_duality
from ._duality_reward import DualityReward
from ._duality_settings import Duality
from ._pseudo_label_reward import PseudoLabelReward
from ._score import duality_score, likelihood_by_option, scorable

__all__ = [
    "Accuracy",
    "Duality",
    "DualityReward",
    "PseudoLabelReward",
    "best_by_duality",
    "duality_score",
    "likelihood_by_option",
    "scorable",
    "task_accuracy",
]
