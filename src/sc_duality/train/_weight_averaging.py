"""Weights as a running average over the updates of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

#: The averaged weights in a checkpoint.
_FILE = "average.safetensors"
#: Share of the updates before the average begins.
_BEGIN = 1 / 3


class WeightAveraging(TrainerCallback):
    """Ends a run with the exponential moving average of its weights, taken over its last two thirds.

    Parameters
    ----------
    decay
        Weight of the average at each update, such as 0.999; the new weights have the rest.
    checkpoint
        The checkpoint that the run resumes from.
    """

    def __init__(self, decay: float, checkpoint: str | None) -> None:
        self._decay, self._checkpoint = decay, checkpoint
        self._average: dict[str, torch.Tensor] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Read the average of a run that resumes."""
        file = None if self._checkpoint is None else Path(self._checkpoint) / _FILE
        self._average = load_file(file) if file is not None and file.is_file() else {}

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Add the weights of this update; write the average before a checkpoint is complete."""
        if state.global_step <= _BEGIN * state.max_steps:
            return
        trained = dict(_trained(kwargs["model"]))
        with torch.no_grad():
            for name, weight in trained.items():
                if name in self._average:
                    self._average[name].lerp_(weight.to(self._average[name]), 1 - self._decay)
                else:
                    self._average[name] = weight.detach().float().clone()
            if state.global_step == state.max_steps:
                for name, weight in trained.items():
                    weight.copy_(self._average[name])
            elif control.should_save and state.is_world_process_zero:
                folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                folder.mkdir(parents=True, exist_ok=True)
                save_file(self._average, folder / _FILE)


def _trained(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The weights of a model that training changes."""
    return ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
