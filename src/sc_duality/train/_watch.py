"""What is measured while a model trains, beside what TRL logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback

from ._check import Accuracy, accuracies
from ._lesson import Lesson
from ._policy import Policy


class Watch(TrainerCallback):
    """Logs how often the model and its dual are right on lessons with a truth.

    A policy that judges itself can agree with itself on a code that nobody else understands: then the reward rises
    and the dual's accuracy on true answers falls.

    Parameters
    ----------
    policy
        The model.
    lessons
        With a truth. They are learned from in no way.
    every
        Updates from one measurement to the next; it is also measured at the last one.
    """

    def __init__(self, policy: Policy, lessons: Sequence[Lesson], every: int) -> None:
        self._policy, self._lessons, self._every = policy, lessons, every
        self.last: dict[str, Accuracy] = {}

    def measure(self) -> dict[str, Accuracy]:
        """Ask all lessons."""
        with self._policy.live():
            self.last = accuracies(self._policy, self._lessons)
        return self.last

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Forget what was measured before."""
        self.last = {}

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure a run that was stopped after its last step and has none left to take."""
        if not self.last:
            self.measure()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure and log where it is time."""
        if state.global_step % self._every and state.global_step != state.max_steps:
            return
        entry = {}
        for task, found in self.measure().items():
            entry[f"{task}/accuracy"], entry[f"{task}/dual_accuracy"] = found.primal, found.dual
        state.log_history.append({"step": state.global_step, **{k: v for k, v in entry.items() if v == v}})
