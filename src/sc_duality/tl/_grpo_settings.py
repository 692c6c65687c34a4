"""Rewards of GRPO by name, and the settings of the dual task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ..duality import Duality
from ..metrics import bert_score_baseline
from ..models import token_encoder
from ..rewards import RewardFunction, named_columns, semantic_reward
from ..tasks import TrainingExample
from ..train import TaskReward

Reward = str | RewardFunction

#: Named rewards, and those that read the truth.
_REWARDS = ("duality", "ground_truth", "pseudo_label", "semantic")
_NEED_TRUTH = ("ground_truth", "semantic")
#: True answers that the score of unrelated texts is computed from.
_N_REFERENCES = 200


def check_rewards(rewards: Sequence[Reward], weights: Sequence[float] | None) -> list[float]:
    """The weights of the rewards, or an error if one of them cannot be called on completions."""
    unknown = [one for one in rewards if not callable(one) and one not in _REWARDS]
    if unknown or not rewards:
        raise ValueError(
            f"reward must be one of {', '.join(map(repr, _REWARDS))}, a function in TRL's signature, or a list of "
            f"these, got {list(rewards)!r}"
        )
    for one in rewards:
        if not callable(one):
            continue
        named = named_columns(one)
        if named is not None and "completions" not in named:
            raise ValueError(
                f"reward={reward_name(one)} takes {', '.join(named) or 'nothing'}, but no completions: pass a function "
                "in TRL's signature, such as sd.rewards.format_reward"
            )
    if weights is None:
        return [1.0] * len(rewards)
    if len(weights) != len(rewards):
        raise ValueError(f"reward_weights has {len(weights)} values for {len(rewards)} rewards: pass one each")
    return [float(weight) for weight in weights]


def needs_truth(reward: Reward) -> bool:
    """Whether a reward cannot do without the truth: a function says so by ``needs_truth = True``."""
    return reward in _NEED_TRUTH if isinstance(reward, str) else bool(getattr(reward, "needs_truth", False))


def check_on_truth(rewards: Sequence[Reward], examples: Sequence[TrainingExample]) -> None:
    """Refuse a function that needs the truth and has no reward even for true answers: nothing would be trained."""
    questions = [one.question() for one in examples]
    first = {one.task.name: i for i, one in reversed(list(enumerate(examples))) if one.example.truth is not None}
    rows = list(first.values())
    completions = [questions[i].completion(questions[i].target) for i in rows]
    for reward in rewards:
        if not callable(reward) or not needs_truth(reward):
            continue
        found = TaskReward(reward_name(reward), reward, examples, questions)([""] * len(rows), completions, rows)
        if all(one is None for one in found):
            names = ", ".join(dict.fromkeys(one.task.name for one in examples))
            raise ValueError(
                f"reward={reward_name(reward)} gives no reward to the true answers of {names}: pass a task whose "
                "answers it reads, and the obs columns with their truth"
            )


def loaded(rewards: Sequence[Reward], examples: Sequence[TrainingExample]) -> list[Reward]:
    """The rewards, ``"semantic"`` as a function with the default encoder and the score of unrelated true answers."""
    return [_semantic(examples) if one == "semantic" else one for one in rewards]


def _semantic(examples: Sequence[TrainingExample]) -> RewardFunction:
    truths = [one.example.truth for one in examples if isinstance(one.example.truth, str)]
    different = list(dict.fromkeys(truths))[:_N_REFERENCES]
    if len(different) < 2:
        raise ValueError(
            f"reward='semantic' compares texts, and {len(examples)} examples have {len(different)} true answers that "
            "differ and are texts: pass a task whose answers are texts, with their obs columns"
        )
    encoder = token_encoder()
    return semantic_reward(encoder, baseline=max(0.0, bert_score_baseline(different, different, encoder)))


def reward_name(reward: Reward) -> str:
    return reward if isinstance(reward, str) else getattr(reward, "__name__", type(reward).__name__)


def reward_record(reward: Reward) -> str | dict[str, Any]:
    """A reward for the record of a run: its name, with what it was made from if it says so by ``settings``."""
    settings = getattr(reward, "settings", None)
    return {reward_name(reward): settings} if settings else reward_name(reward)


def duality_record(duality: Duality) -> dict[str, Any]:
    """The settings of the dual task for the record of a run."""
    values = {field.name: getattr(duality, field.name) for field in fields(Duality)}
    verifier: Any = duality.verifier
    if not isinstance(verifier, str):
        verifier = {verifier.spec.name: verifier.spec.fingerprint}
    return {f"duality_{name}": value for name, value in {**values, "verifier": verifier}.items()}
