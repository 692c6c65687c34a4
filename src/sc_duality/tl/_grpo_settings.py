"""Presets of GRPO by duality, and its named rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ..duality import Duality
from ..rewards import RewardFunction, named_columns

Reward = str | RewardFunction

#: Named rewards.
_REWARDS = ("duality", "ground_truth", "pseudo_label")
#: Settings where none are passed. The paper: G = 8, rollouts of 512 completions in mini-batches of 32, 200 rollouts,
#: and the policy as its own verifier by sampling (CellDuality §3.4.1 and §4.1; that 512 counts completions, and 200
#: rollouts, is our reading).
PRESETS: dict[str, dict[str, Any]] = {
    "default": {"duality": Duality()},
    "cellduality": {
        "duality": Duality(form="sample", context="observed", hidden_fraction=0.3, n_samples=1, verifier="policy"),
        "num_generations": 8,
        "generation_batch_size": 512,
        "batch_size": 32,
        "max_steps": 200 * 512 // 32,
    },
}


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


def reward_name(reward: Reward) -> str:
    return reward if isinstance(reward, str) else getattr(reward, "__name__", type(reward).__name__)


def duality_record(duality: Duality) -> dict[str, Any]:
    """The settings of the dual task for the record of a run."""
    values = {field.name: getattr(duality, field.name) for field in fields(Duality)}
    verifier = duality.verifier if isinstance(duality.verifier, str) else duality.verifier.spec.name
    return {f"duality_{name}": value for name, value in {**values, "verifier": verifier}.items()}
