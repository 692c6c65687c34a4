"""How long a policy is aligned, in TRL's terms."""

from __future__ import annotations

from dataclasses import dataclass

from .._validation import positive_integer


@dataclass(frozen=True)
class Schedule:
    """Sizes and length of GRPO.

    Parameters
    ----------
    num_generations
        G, completions of one prompt, which are compared with each other.
    generation_batch_size
        Completions of one rollout, generated before the policy changes.
    batch_size
        Completions of one update, over all processes.
    max_steps
        Updates.
    learning_rate
        Of AdamW, constant.
    beta
        Weight of the KL divergence from the reference policy (β in CellDuality's equation 5).
    temperature
        Sampling temperature of completions.
    """

    num_generations: int = 8
    generation_batch_size: int = 64
    batch_size: int = 64
    max_steps: int = 200
    learning_rate: float = 1e-6
    beta: float = 0.04
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for name in ("num_generations", "generation_batch_size", "batch_size", "max_steps"):
            positive_integer(name, getattr(self, name))
        if self.num_generations < 2:
            raise ValueError("num_generations must be at least 2: a completion is compared with others of its prompt")
        size = self.generation_batch_size
        if size % self.num_generations or size % self.batch_size:
            raise ValueError(
                f"generation_batch_size={size} must be a multiple of num_generations={self.num_generations} and of "
                f"batch_size={self.batch_size}"
            )
        if self.beta < 0 or self.temperature <= 0 or self.learning_rate <= 0:
            raise ValueError("beta must not be negative, temperature and learning_rate must be positive")
