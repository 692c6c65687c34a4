"""Seconds of a step of GRPO by phase, with ``tl.train_grpo_duality``."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._gpu_cells import thinned
from benchmarks._gpu_device import halved
from benchmarks._gpu_setting import Setting
from benchmarks._gpu_share import Share
from benchmarks._gpu_steps import Step, finished, measured_steps
from sc_duality.tasks import Annotation, Generation, Task
from sc_duality.train import check_trl

#: TRL's methods: a rollout with rewards and the reference's log-likelihoods, and its first two parts.
EXPERIENCE, ROLLOUT, REWARDS = "_generate_and_score_completions", "_generate", "_calculate_rewards"


def grpo(setting: Setting) -> Iterator[tuple[str, Any]]:
    """Annotation by the packaged model, then cells by the random one, whose completions are long."""
    try:
        check_trl()
    except ImportError as error:
        yield "not_measured", str(error)
        return
    labels = library.labels_of("embedded")
    tasks: list[tuple[str, Task]] = [
        ("embedded", Annotation(labels=labels)),
        (setting.shape, Generation(labels=labels)),
    ]
    for i, (name, task) in enumerate(tasks):
        of_task = setting.share.fraction(1 / (len(tasks) - i))
        run = partial(grpo_steps, setting, setting.models()[name], task, of_task)
        steps, n_prompts = halved(run, setting.sizes.grpo_prompts, setting.device)
        yield f"{name}_{task.name}", phases(steps, n_prompts * setting.sizes.grpo_group)


def grpo_steps(setting: Setting, model: str, task: Task, share: Share, n_prompts: int) -> list[Step]:
    """Steps with this many prompts, each a rollout and an update."""
    from trl import GRPOTrainer

    sizes = setting.sizes
    batch, methods = n_prompts * sizes.grpo_group, (EXPERIENCE, ROLLOUT, REWARDS)
    with (
        tempfile.TemporaryDirectory() as folder,
        measured_steps(GRPOTrainer, setting.device, share, most=sizes.grpo_steps, methods=methods) as steps,
    ):
        sd.tl.train_grpo_duality(
            thinned(max(64, n_prompts), setting.seed),
            model,
            Path(folder) / "model",
            tasks=[task],
            num_generations=sizes.grpo_group,
            generation_batch_size=batch,
            batch_size=batch,
            max_steps=sizes.grpo_steps + 1,
            rng=setting.seed,
        )
    return steps


def phases(steps: Sequence[Step], n_completions: int) -> dict[str, Any]:
    """Median seconds of a step and of its phases.

    ``reference`` has the log-likelihoods under the reference policy and the collation; ``update`` the forward and the
    backward pass; ``optimizer`` what follows them.
    """
    measured = finished(steps)

    def median(*added: str, less: Sequence[str] = ()) -> float:
        values = [sum(step[name] for name in added) - sum(step[name] for name in less) for step in measured]
        return round(statistics.median(values), 5)

    return {
        "steps": len(measured),
        "completions_per_step": n_completions,
        "seconds_per_step": median("seconds"),
        "rollout_s": median(ROLLOUT),
        "rewards_s": median(REWARDS),
        "reference_s": median(EXPERIENCE, less=(ROLLOUT, REWARDS)),
        "update_s": median("training_step", less=(EXPERIENCE,)),
        "optimizer_s": median("seconds", less=("training_step",)),
    }
