"""GRPO of a policy by rewards, with TRL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from ..duality import Duality, DualityReward, PseudoLabelReward
from ..models import ModelSpec
from ..models.engines import Tokens, one_level
from ..rewards import RewardFunction, ground_truth_reward
from ..tasks import Question, TrainingExample
from ._accuracies import warn_if_dual_is_weak
from ._eval_callback import EvalCallback
from ._history import history_of
from ._policy import Policy, RunModels
from ._progress import without_prints
from ._run import Run, Trained, accuracy_of_training
from ._schedule import Schedule
from ._task_reward import TaskReward
from ._trainer_args import adapter, batching, common, context_length, flush_denormals, model_options


@dataclass(frozen=True)
class Alignment:
    """How a policy is aligned."""

    #: Names of rewards, or functions in TRL's signature.
    rewards: Sequence[str | RewardFunction]
    weights: Sequence[float]
    duality: Duality
    schedule: Schedule
    max_completion_length: int
    lora: int | Mapping[str, Any] | None = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


def align(
    spec: ModelSpec,
    examples: Sequence[TrainingExample],
    labelled: Sequence[TrainingExample],
    alignment: Alignment,
    run: Run,
    *,
    progress: bool,
) -> Trained:
    """Align a policy on ``examples``; ``labelled`` ones with a truth are evaluated along the way.

    See :func:`sc_duality.tl.train_grpo_duality` for the arguments.
    """
    tokens, schedule = Tokens(spec), alignment.schedule
    questions = [one.question() for one in examples]
    prompts = [question.prompt for question in questions]
    tokens.check_context_length(tokens.prompts(prompts), alignment.max_completion_length, context_length(spec))
    if len(prompts) * schedule.num_generations < schedule.generation_batch_size:
        raise ValueError(
            f"{len(prompts)} prompts are too few: a rollout of generation_batch_size={schedule.generation_batch_size} "
            f"completions with num_generations={schedule.num_generations} needs "
            f"{schedule.generation_batch_size // schedule.num_generations}: bring more cells, or pass a smaller "
            "generation_batch_size="
        )
    chat = bool(tokens.tokenizer.chat_template)
    tokens.tokenizer.padding_side = "left"
    models = RunModels(spec)
    rewards, weights = _task_rewards(alignment, examples, questions, models)
    trainer = GRPOTrainer(
        model=spec.source,
        reward_funcs=rewards,
        args=GRPOConfig(**_arguments(spec, alignment, weights, run, progress)),
        train_dataset=Dataset.from_list([
            {"prompt": [{"role": "user", "content": text}] if chat else text, "row": i}
            for i, text in enumerate(prompts)
        ]),
        processing_class=tokens.tokenizer,
        peft_config=adapter(alignment.lora),
    )  # fmt: skip
    without_prints(trainer)
    models.policy = policy = Policy(spec, trainer)
    evaluation = EvalCallback(policy, labelled, every=max(1, schedule.max_steps // 10))
    checkpoint = run.begin()
    record = {}
    before = evaluation.evaluate() if labelled else accuracy_of_training(spec)
    trained = {one.task.name for one in examples}
    warn_if_dual_is_weak({task: found for task, found in before.items() if task in trained})
    if labelled:
        record["accuracy_before"] = {task: found._asdict() for task, found in before.items()}
        trainer.add_callback(evaluation)
    with run.keeping_checkpoints(), flush_denormals(), one_level():
        trainer.train(resume_from_checkpoint=checkpoint)
        record["accuracy"] = {task: found._asdict() for task, found in evaluation.last.items()}
        return run.finish(trainer, spec, history_of(trainer.state.log_history), record)


def _task_rewards(
    alignment: Alignment, examples: Sequence[TrainingExample], questions: Sequence[Question], models: RunModels
) -> tuple[list[Any], list[float]]:
    """Reward functions for TRL with their weights; named rewards once a task, so that each task is logged."""
    named: dict[str, RewardFunction] = {
        "duality": DualityReward(
            alignment.duality, partial(models.verifier, alignment.duality.verifier), alignment.seed
        ),
        "ground_truth": ground_truth_reward,
        "pseudo_label": PseudoLabelReward(lambda: models.reference),
    }
    tasks = dict.fromkeys(one.task.name for one in examples)
    rewards: list[Any] = []
    weights: list[float] = []
    for reward, weight in zip(alignment.rewards, alignment.weights, strict=True):
        if callable(reward):
            name = getattr(reward, "__name__", type(reward).__name__)
            n_same = sum(one.__name__.partition("#")[0] == name for one in rewards)
            own: list[RewardFunction] = [
                TaskReward(f"{name}#{n_same + 1}" if n_same else name, reward, examples, questions)
            ]
        else:
            own = [TaskReward(f"{reward}_{task}", named[reward], examples, questions, task) for task in tasks]
        rewards += own
        weights += [weight] * len(own)
    return rewards, weights


def _arguments(
    spec: ModelSpec, alignment: Alignment, weights: Sequence[float], run: Run, progress: bool
) -> dict[str, Any]:
    """TRL's arguments: GRPO as it was first published (CellDuality, equations 4 and 5)."""
    schedule = alignment.schedule
    repeats = int(alignment.options.get("num_iterations", 1))
    updates = schedule.generation_batch_size // schedule.batch_size * repeats
    # A checkpoint between the updates of one rollout would lose the rest of it.
    saves = max(updates, schedule.max_steps // 5 // updates * updates)
    return {
        **common(run.checkpoints, steps=schedule.max_steps, saves=saves, seed=alignment.seed, progress=progress),
        **batching(schedule.batch_size, alignment.options),
        "generation_batch_size": schedule.generation_batch_size,
        "num_generations": schedule.num_generations,
        "max_completion_length": alignment.max_completion_length,
        "learning_rate": schedule.learning_rate,
        "lr_scheduler_type": "constant",
        "temperature": schedule.temperature,
        "beta": schedule.beta,
        "loss_type": "grpo",
        "scale_rewards": "group",
        "use_bias_correction_kl": False,
        "reward_weights": list(weights),
        "model_init_kwargs": model_options(spec.revision),
        **alignment.options,
    }
