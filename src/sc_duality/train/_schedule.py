"""How long a policy is aligned, and in what portions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Portions of an alignment.

    Parameters
    ----------
    group_size
        G, answers to one question that are compared with each other.
    rollout
        Answers that are written before the policy changes.
    batch_size
        Answers of one update.
    steps
        Updates.
    learning_rate
        Of AdamW.
    beta
        Weight of the divergence from the start (β in CellDuality's equation 5).
    temperature
        Of the answers.
    """

    group_size: int = 8
    rollout: int = 64
    batch_size: int = 64
    steps: int = 200
    learning_rate: float = 1e-6
    beta: float = 0.04
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for name in ("group_size", "rollout", "batch_size", "steps"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, not {value!r}")
        if self.group_size < 2:
            raise ValueError("group_size must be at least 2: an answer is compared with the others of its group")
        if self.rollout % self.group_size or self.rollout % self.batch_size:
            raise ValueError(
                f"rollout={self.rollout} must be a multiple of group_size={self.group_size} and of "
                f"batch_size={self.batch_size}"
            )
        if self.beta < 0 or self.temperature <= 0 or self.learning_rate <= 0:
            raise ValueError("beta must not be negative, temperature and learning_rate must be positive")
