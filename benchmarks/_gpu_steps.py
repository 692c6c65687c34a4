"""Times of a trainer's steps: from the start of one to the start of the next, with the time of methods in between."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

import torch

from benchmarks._gpu_device import synchronize
from benchmarks._gpu_flops import ModelSize, mfu, training_flops
from benchmarks._gpu_share import Share

#: Seconds of a step and of each method, and the lengths of its texts.
Step = dict[str, Any]


class StopTraining(Exception):  # noqa: N818 (as StopIteration)
    """Enough steps are measured."""


@contextmanager
def measured_steps(
    trainer: type, device: torch.device, share: Share, *, most: int, methods: Sequence[str] = ()
) -> Iterator[list[Step]]:
    """The steps of a trainer of TRL while it runs in here; it writes no checkpoint.

    Training ends after the share, but not before the second step, and after ``most`` steps.
    """
    steps: list[Step] = []

    def timed(name: str) -> Callable[..., Any]:
        method = getattr(trainer, name)

        def call(self: Any, *args: Any, **options: Any) -> Any:
            synchronize(device)
            start = time.perf_counter()
            result = method(self, *args, **options)
            synchronize(device)
            steps[-1][name] = steps[-1].get(name, 0.0) + time.perf_counter() - start
            return result

        return call

    step = timed("training_step")

    def training_step(self: Any, model: Any, inputs: Any, *args: Any, **options: Any) -> Any:
        synchronize(device)
        now = time.perf_counter()
        if steps:
            steps[-1]["seconds"] = now - steps[-1]["start"]
        if len(steps) > 1 and (len(steps) >= most or share.left() == 0):
            raise StopTraining
        steps.append({"start": now, "lengths": lengths_of(inputs)})
        return step(self, model, inputs, *args, **options)

    replaced = {name: timed(name) for name in methods}
    replaced |= {"training_step": training_step, "_save_checkpoint": lambda *_, **__: None}
    with suppress(StopTraining), mock.patch.multiple(trainer, **replaced):
        yield steps


def lengths_of(inputs: Any) -> list[int]:
    """Tokens of each text of a batch, without padding; none where the batch is not made of tensors yet."""
    mask = inputs.get("attention_mask") if isinstance(inputs, dict) else None
    return [] if mask is None else mask.sum(1).tolist()


def finished(steps: Sequence[Step]) -> list[Step]:
    """The steps whose time is known, without the first, which starts kernels."""
    return [step for step in steps[1:] if "seconds" in step]


def training_rates(steps: Sequence[Step], size: ModelSize, peak_tflop_per_s: float | None) -> dict[str, Any]:
    """Medians over steps: tokens a second without padding, and MFU."""
    measured = finished(steps)
    seconds = statistics.median(step["seconds"] for step in measured)
    flops = statistics.median(training_flops(size, step["lengths"]) / step["seconds"] for step in measured)
    return {
        "steps": len(measured),
        "texts_per_step": len(measured[0]["lengths"]),
        "tokens_per_text": round(statistics.mean(n for step in measured for n in step["lengths"]), 1),
        "seconds_per_step": round(seconds, 5),
        "tokens_per_s": round(statistics.median(sum(step["lengths"]) / step["seconds"] for step in measured), 1),
        "tflop_per_s": round(flops / 1e12, 4),
        "mfu": mfu(flops, 1.0, peak_tflop_per_s),
    }
