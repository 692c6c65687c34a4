"""What was asked of servers and what it cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Usage:
    """What an endpoint was asked and what it cost.

    Parameters
    ----------
    requests
        Requests that were sent.
    retries
        Those of them that were sent again.
    failures
        Requests that were given up.
    faults
        What went wrong, and how often: ``"HTTP 429"``, ``"no connection"``, ...
    prompt_tokens, completion_tokens
        As the server counts them.
    price
        Dollars per million tokens, read and written.
    """

    requests: int = 0
    retries: int = 0
    failures: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    price: tuple[float, float] | None = None

    @property
    def cost(self) -> float | None:
        """Dollars; ``None`` if no price was given."""
        if self.price is None:
            return None
        return (self.prompt_tokens * self.price[0] + self.completion_tokens * self.price[1]) / 1e6

    def __str__(self) -> str:
        words = [f"{self.prompt_tokens + self.completion_tokens:,} tokens"]
        words += [f"${self.cost:.2f}"] if self.cost is not None else []
        words += [f"{self.retries} retries"] if self.retries else []
        words += [f"{self.failures} failures"] if self.failures else []
        return ", ".join(words)
