"""Alignment of a policy by rewards, with TRL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from ..models import LanguageModel, ModelSpec
from ..models.engines import Tokens, one_level
from ._check import warn_where_dual_is_weak
from ._history import history_of
from ._lesson import Lesson
from ._policy import Policy, Reference
from ._progress import without_prints
from ._reward import DualityReward
from ._run import Run, Trained, measured_before
from ._schedule import Schedule
from ._settings import adapter, batching, common, context_of, model_options, without_denormals
from ._watch import Watch


@dataclass(frozen=True)
class Alignment:
    """What a policy is aligned by."""

    rewards: Sequence[Any]
    weights: Sequence[float]
    #: Who judges: the policy itself, the model that it started from, or another one.
    verifier: Literal["policy", "reference"] | LanguageModel
    schedule: Schedule
    max_tokens: int
    lora: int | Mapping[str, Any] | None = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


def align(
    spec: ModelSpec, lessons: Sequence[Lesson], known: Sequence[Lesson], how: Alignment, run: Run, *, progress: bool
) -> Trained:
    """Align on ``lessons``; on those of ``known``, which have a truth, it is measured what became of the dual.

    See :func:`sc_duality.tl.train_grpo_duality` for the arguments.
    """
    tokens, plan = Tokens(spec), how.schedule
    prompts = [lesson.prompt() for lesson in lessons]
    tokens.check_context_length(tokens.prompts(prompts), how.max_tokens, context_of(spec))
    if len(prompts) * plan.group_size < plan.rollout:
        raise ValueError(
            f"there are {len(prompts)} questions, and a rollout of {plan.rollout} answers in groups of "
            f"{plan.group_size} needs {plan.rollout // plan.group_size}: bring more cells, or pass a smaller rollout="
        )
    chat = bool(tokens.tokenizer.chat_template)
    tokens.tokenizer.padding_side = "left"
    trainer = GRPOTrainer(
        model=spec.source,
        reward_funcs=list(how.rewards),
        args=GRPOConfig(**_arguments(spec, how, run, progress)),
        train_dataset=Dataset.from_list([
            {"prompt": [{"role": "user", "content": text}] if chat else text, "row": i}
            for i, text in enumerate(prompts)
        ]),
        processing_class=tokens.tokenizer,
        peft_config=adapter(how.lora),
    )  # fmt: skip
    without_prints(trainer)
    policy = Policy(spec, trainer)
    judge = _judge(how.verifier, policy)
    for reward in how.rewards:
        if isinstance(reward, DualityReward):
            reward.judge = judge
    watch = Watch(policy, known, every=max(1, plan.steps // 10))
    checkpoint = run.begin()
    record = {}
    before = watch.measure() if known else measured_before(spec)
    warn_where_dual_is_weak(
        {task: found for task, found in before.items() if task in {one.task.name for one in lessons}}
    )
    if known:
        record["accuracy_before"] = {task: found._asdict() for task, found in before.items()}
        trainer.add_callback(watch)
    with run.keeping(), without_denormals(), one_level():
        trainer.train(resume_from_checkpoint=checkpoint)
        record["accuracy"] = {task: found._asdict() for task, found in watch.last.items()}
        return run.finish(trainer, spec, history_of(trainer.state.log_history), record)


def _judge(verifier: Literal["policy", "reference"] | LanguageModel, policy: Policy) -> LanguageModel:
    if verifier == "policy":
        return policy
    return Reference(policy.spec) if verifier == "reference" else verifier


def _arguments(spec: ModelSpec, how: Alignment, run: Run, progress: bool) -> dict[str, Any]:
    """TRL's arguments: group-relative policy optimisation as it was first written down (equations 4 and 5)."""
    plan = how.schedule
    each = plan.rollout // plan.batch_size
    # A checkpoint between the updates of one rollout would forget the rest of it.
    saves = max(each, plan.steps // 5 // each * each)
    return {
        **common(run.checkpoints, steps=plan.steps, saves=saves, seed=how.seed, progress=progress),
        **batching(plan.batch_size, how.options),
        "generation_batch_size": plan.rollout,
        "num_generations": plan.group_size,
        "max_completion_length": how.max_tokens,
        "learning_rate": plan.learning_rate,
        "lr_scheduler_type": "constant",
        "temperature": plan.temperature,
        "beta": plan.beta,
        "loss_type": "grpo",
        "scale_rewards": "group",
        "use_bias_correction_kl": False,
        "reward_weights": list(how.weights),
        "model_init_kwargs": model_options(spec.revision),
        **how.options,
    }
