"""Cost of duality in a step of GRPO on a CPU: ``python -m benchmarks.grpo_step [--quick]``.

One run of :func:`sc_duality.tl.train_grpo_duality` for each task, with the embedded model as policy and verifier, on
the shipped cells of PBMC3k. Its steps are of four kinds in turns:

``free``
    a step of TRL's trainer: completions, random rewards, update;
``plain``
    the same, and ``model.generate`` generates as many tokens as the last sampled dual, after the same prompts;
``sample``
    the reward is the similarity of a dual sampled from the policy;
``likelihood``
    the reward is the log-likelihood gain of the dual.

``overhead`` is ``sample`` over ``plain``. ``likelihood_over_sample`` is the time of ``likelihood`` beyond ``free`` over
that of ``sample`` beyond ``free``. Times are medians of processor seconds without the first round; ``wall`` has the
same ratios of wall time.
"""

from __future__ import annotations

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
from benchmarks._results import parser, report
from sc_duality.duality import Duality, DualityReward
from sc_duality.models import SamplingParams
from sc_duality.tasks import Annotation, Generation
from sc_duality.train._policy import Policy

BLOOD = sd.models.resolve("embedded").known("annotation", "label_sets")["blood"]
TASKS = {"annotation": Annotation(labels=BLOOD), "generation": Generation(labels=BLOOD)}
KINDS = ("free", "plain", "sample", "likelihood")
#: Completions of a step, and of a group.
BATCH, GROUP = 16, 8

_reward, _step = DualityReward.__call__, GRPOTrainer.training_step
#: Dual prompts of the steps so far, and the number of generated tokens.
_duals: list[tuple[list[str], int]] = []


def kind_of(step: int) -> str:
    """Each kind once in a round, in an order that rotates from round to round."""
    return KINDS[(step + step // len(KINDS)) % len(KINDS)]


def reward_in_turn(self: Any, completions: Sequence[Any], *, trainer_state: Any, **columns: Any) -> list[float | None]:
    """Rewards of the kind of this step."""
    step, verifier = int(trainer_state.global_step), self._verifier()
    kind = kind_of(step)
    if kind in ("sample", "likelihood"):
        self._duality = replace(self._duality, form=kind)
        with mock.patch.object(verifier, "generate", recorded(verifier)):
            return list(_reward(self, completions, trainer_state=trainer_state, **columns))
    if kind == "plain" and step >= len(KINDS):
        generate_plain(verifier, *_duals[-1])
    return np.random.default_rng(step).random(len(completions)).tolist()


def recorded(policy: Policy) -> Callable[..., list[str | None]]:
    """``policy.generate``, which records its prompts and the tokens of the longest text."""
    original = policy.generate

    def generate(prompts: Sequence[str], sampling: SamplingParams) -> list[str | None]:
        texts = original(prompts, sampling)
        ids = policy.tokenizer([text or "" for text in texts], add_special_tokens=False)["input_ids"]
        _duals.append((list(prompts), min(max(map(len, ids)) + 1, sampling.max_tokens)))
        return texts

    return generate


def generate_plain(policy: Policy, prompts: list[str], n_tokens: int) -> None:
    """As many tokens after the same prompts by transformers."""
    ids = policy.tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
    how = {"do_sample": True, "top_k": 0, "min_new_tokens": n_tokens, "max_new_tokens": n_tokens}
    with policy.live(), torch.no_grad():
        policy.model.generate(input_ids=ids["input_ids"], attention_mask=ids["attention_mask"], **how)


class Clock:
    """Replaces the trainer's step and measures its time."""

    def __init__(self) -> None:
        #: Processor and wall seconds of each step.
        self.taken: list[tuple[float, float]] = []

    def __get__(self, trainer: Any, _: Any = None) -> Any:
        def step(*args: Any, **options: Any) -> Any:
            before = time.process_time(), time.perf_counter()
            loss = _step(trainer, *args, **options)
            self.taken.append((time.process_time() - before[0], time.perf_counter() - before[1]))
            return loss

        return step


def seconds(task: str, rounds: int, seed: int) -> dict[str, tuple[float, float]]:
    """Median seconds of a step of each kind: processor and wall time."""
    cells = sd.datasets.pbmc3k()
    cells.obs["tissue"] = "blood"
    clock = Clock()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(DualityReward, "__call__", reward_in_turn),
        mock.patch.object(GRPOTrainer, "training_step", clock),
    ):
        sd.tl.train_grpo_duality(
            cells,
            "embedded",
            Path(folder) / "model",
            tasks=[TASKS[task]],
            duality=Duality(form="sample", n_samples=1, verifier="policy"),
            context=["tissue"],
            num_generations=GROUP,
            generation_batch_size=BATCH,
            batch_size=BATCH,
            max_steps=len(KINDS) * (1 + rounds),
            rng=seed,
        )
    counted = list(enumerate(clock.taken))[len(KINDS) :]
    by_kind = {kind: [taken for step, taken in counted if kind_of(step) == kind] for kind in KINDS}
    return {
        kind: (statistics.median(cpu for cpu, _ in taken), statistics.median(wall for _, wall in taken))
        for kind, taken in by_kind.items()
    }


def ratios(found: dict[str, tuple[float, float]], clock: int) -> tuple[float, float]:
    """Overhead, and likelihood over sample, of processor (0) or wall time (1)."""
    free, plain, sample, likelihood = (found[kind][clock] for kind in KINDS)
    return round(sample / plain, 3), round((likelihood - free) / (sample - free), 3)


def main() -> None:
    options = parser(__doc__, "1 round after the first, annotation only")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    sd.settings.progress = sd.settings.cache = False
    rounds = 1 if args.quick else 15

    steps = {task: seconds(task, rounds, args.seed) for task in list(TASKS)[: 1 if args.quick else None]}
    found = {task: ratios(taken, 0) for task, taken in steps.items()}
    report(
        "grpo_step",
        {
            "overhead": max(overhead for overhead, _ in found.values()),
            "likelihood_over_sample": found["annotation"][1],
            "overhead_by_task": {task: overhead for task, (overhead, _) in found.items()},
            "likelihood_over_sample_by_task": {task: ratio for task, (_, ratio) in found.items()},
            "wall": {task: ratios(taken, 1) for task, taken in steps.items()},
            "cpu_seconds_per_step": {
                task: {kind: round(cpu, 3) for kind, (cpu, _) in taken.items()} for task, taken in steps.items()
            },
            "rounds": rounds,
            "steps": len(steps) * len(KINDS) * (1 + rounds),
            "threads": torch.get_num_threads(),
        },
        n=BATCH,
        seed=args.seed,
        quick=args.quick,
        packages=("torch", "transformers", "trl"),
        model="embedded",
    )


if __name__ == "__main__":
    main()
