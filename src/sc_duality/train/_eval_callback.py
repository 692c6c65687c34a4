"""Accuracy on labelled examples while a model trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback

from ..duality import Accuracy
from ..tasks import TrainingExample
from ._accuracies import accuracies
from ._policy import Policy


class EvalCallback(TrainerCallback):
    """Logs the accuracy of the model and of its dual tasks on labelled examples.

    A policy that is its own verifier can agree with itself on a code that no other model understands: then the reward
    rises while the dual's accuracy on true answers falls.

    Parameters
    ----------
    policy
        The model.
    examples
        Labelled examples, which are not trained on.
    every
        Updates between two evaluations; the last update is evaluated too.
    """

    def __init__(self, policy: Policy, examples: Sequence[TrainingExample], every: int) -> None:
        self._policy, self._examples, self._every = policy, examples, every
        self.last: dict[str, Accuracy] = {}

    def evaluate(self) -> dict[str, Accuracy]:
        """Evaluate all examples."""
        with self._policy.live():
            self.last = accuracies(self._policy, self._examples)
        return self.last

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Discard earlier evaluations."""
        self.last = {}

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Evaluate a run that was stopped after its last step and has none left to take."""
        if not self.last:
            self.evaluate()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Evaluate and log after every ``every`` updates."""
        if state.global_step % self._every and state.global_step != state.max_steps:
            return
        entry = {}
        for task, found in self.evaluate().items():
            entry[f"{task}/accuracy"], entry[f"{task}/dual_accuracy"] = found.primal, found.dual
        state.log_history.append({"step": state.global_step, **{k: v for k, v in entry.items() if v == v}})
