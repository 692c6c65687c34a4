"""What all reward functions share: one score a completion, with a place for what was not read and is not known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

#: What TRL's GRPOTrainer takes as ``reward_funcs``.
RewardFunction = Callable[..., list[float | None]]


def score_each(
    score: Callable[[Any, Any], float],
    completions: Sequence[Any],
    references: Sequence[Any],
    invalid_reward: float,
) -> list[float | None]:
    """``score(reference, completion)`` of each pair.

    It is ``invalid_reward`` for a completion that is ``None``, and ``None`` for a reference that is.
    """
    if len(completions) != len(references):
        raise ValueError(f"{len(completions)} completions, but {len(references)} values to compare them with")
    return [
        None if reference is None else invalid_reward if completion is None else score(reference, completion)
        for completion, reference in zip(completions, references, strict=True)
    ]
