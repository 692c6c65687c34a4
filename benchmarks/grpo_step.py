"""What duality costs a step of alignment on a CPU: ``python -m benchmarks.grpo_step [--quick]``.

One run of :func:`sc_duality.tl.train_grpo_duality` a task, with the embedded model as policy and judge, on the real
cells of PBMC3k that the package ships. Its steps take turns, so that other work on the machine meets all of them alike:

``free``
    a step of TRL's trainer: answers, random rewards, update;
``bare``
    the same, and ``model.generate`` alone writes what the dual wrote last: as many tokens after the same prompts;
``sample``
    the reward is what the dual writes, by the policy;
``likelihood``
    the reward is how likely the dual finds what it should write.

``overhead`` is ``sample`` over ``bare``. ``likelihood_over_sample`` is what ``likelihood`` takes beyond ``free`` over
what ``sample`` takes beyond it, for annotation, whose dual writes all genes of a cell. Times are those of answers,
rewards, forward and backward, as medians over rounds without the first, and of this process alone: seconds of processor
time, which hardly depend on what else runs. ``wall`` has the same ratios by the clock.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from trl import GRPOTrainer

import sc_duality as sd
from benchmarks._report import report
from sc_duality.models import SamplingParams
from sc_duality.train._policy import Policy
from sc_duality.train._reward import DualityReward

KINDS = ("free", "bare", "sample", "likelihood")
#: Answers of a step, and of a group.
BATCH, GROUP = 16, 8

_scores, _step = DualityReward._scores, GRPOTrainer.training_step
#: Dual prompts of the steps so far, and the tokens that were written after them.
_noted: list[tuple[list[str], int]] = []


def kind_of(step: int) -> str:
    """Each kind once a round, in another order from round to round."""
    return KINDS[(step + step // len(KINDS)) % len(KINDS)]


def in_turn(self: Any, lessons: Sequence[Any], answers: Sequence[Any], step: int) -> list[float]:
    """Rewards of the kind whose turn it is."""
    kind = kind_of(step)
    if kind in ("sample", "likelihood"):
        self._how = replace(self._how, form=kind)
        with mock.patch.object(self.judge, "generate", noting(self.judge)):
            return list(_scores(self, lessons, answers, step))
    if kind == "bare" and step >= len(KINDS):
        generate(self.judge, *_noted[-1])
    return np.random.default_rng(step).random(len(lessons)).tolist()


def noting(policy: Policy) -> Callable[..., list[str | None]]:
    """``policy.generate``, of which it is kept what was asked and how many tokens the longest text has."""
    write = policy.generate

    def generate(prompts: Sequence[str], sampling: SamplingParams) -> list[str | None]:
        texts = write(prompts, sampling)
        ids = policy.tokenizer([text or "" for text in texts], add_special_tokens=False)["input_ids"]
        _noted.append((list(prompts), min(max(map(len, ids)) + 1, sampling.max_tokens)))
        return texts

    return generate


def generate(policy: Policy, prompts: list[str], n_tokens: int) -> None:
    """As many tokens after the same prompts by transformers alone."""
    ids = policy.tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
    how = {"do_sample": True, "top_k": 0, "min_new_tokens": n_tokens, "max_new_tokens": n_tokens}
    with policy.live(), torch.no_grad():
        policy.model.generate(input_ids=ids["input_ids"], attention_mask=ids["attention_mask"], **how)


class Clock:
    """Stands in for a trainer's own step, and takes the time of each."""

    def __init__(self) -> None:
        #: Processor time and time by the clock, one pair a step.
        self.taken: list[tuple[float, float]] = []

    def __get__(self, trainer: Any, _: Any = None) -> Any:
        def step(*given: Any, **named: Any) -> Any:
            before = time.process_time(), time.perf_counter()
            loss = _step(trainer, *given, **named)
            self.taken.append((time.process_time() - before[0], time.perf_counter() - before[1]))
            return loss

        return step


def seconds(task: str, rounds: int, seed: int) -> dict[str, tuple[float, float]]:
    """Median seconds of a step of each kind: processor time, and by the clock."""
    cells = sd.datasets.pbmc3k()
    cells.obs["tissue"] = "blood"
    clock = Clock()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(DualityReward, "_scores", in_turn),
        mock.patch.object(GRPOTrainer, "training_step", clock),
    ):
        sd.tl.train_grpo_duality(
            cells,
            "embedded",
            Path(folder) / "model",
            tasks=[task],
            dual="sample",
            verifier="policy",
            labels="blood",
            context=["tissue"],
            group_size=GROUP,
            rollout=BATCH,
            batch_size=BATCH,
            steps=len(KINDS) * (1 + rounds),
            rng=seed,
        )
    counted = list(enumerate(clock.taken))[len(KINDS) :]
    by_kind = {kind: [taken for step, taken in counted if kind_of(step) == kind] for kind in KINDS}
    return {
        kind: (statistics.median(cpu for cpu, _ in taken), statistics.median(wall for _, wall in taken))
        for kind, taken in by_kind.items()
    }


def ratios(found: dict[str, tuple[float, float]], which: int) -> tuple[float, float]:
    """Overhead, and likelihood over sample, by processor time (0) or by the clock (1)."""
    free, bare, sample, likelihood = (found[kind][which] for kind in KINDS)
    return round(sample / bare, 3), round((likelihood - free) / (sample - free), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1 round instead of 15")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sd.settings.progress = sd.settings.cache = False
    rounds = 1 if args.quick else 15

    steps = {task: seconds(task, rounds, args.seed) for task in ("annotation", "generation")}
    found = {task: ratios(taken, 0) for task, taken in steps.items()}
    report(
        {
            "overhead": max(overhead for overhead, _ in found.values()),
            "likelihood_over_sample": found["annotation"][1],
            "overhead_by_task": {task: overhead for task, (overhead, _) in found.items()},
            "likelihood_over_sample_by_task": {task: ratio for task, (_, ratio) in found.items()},
            "wall": {task: ratios(taken, 1) for task, taken in steps.items()},
            "cpu_seconds_a_step": {
                task: {kind: round(cpu, 3) for kind, (cpu, _) in taken.items()} for task, taken in steps.items()
            },
            "rounds": rounds,
            "steps": 2 * len(KINDS) * (1 + rounds),
            "threads": torch.get_num_threads(),
        },
        n=BATCH,
        seed=args.seed,
        packages=("torch", "transformers", "trl"),
    )


if __name__ == "__main__":
    main()
