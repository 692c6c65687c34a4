"""Requests, tokens and cost of an endpoint."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)


@dataclass
class Usage:
    """Requests, tokens and cost of an endpoint.

    Parameters
    ----------
    requests
        Requests sent.
    retries
        Requests sent again.
    failures
        Requests that failed after all attempts.
    faults
        Number of faults by kind: ``"HTTP 429"``, ``"no connection"``, ...
    prompt_tokens, completion_tokens
        As the server counts them.
    price
        Dollars per million prompt tokens and per million completion tokens.
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
        """Dollars; ``None`` without a price."""
        if self.price is None:
            return None
        return (self.prompt_tokens * self.price[0] + self.completion_tokens * self.price[1]) / 1e6

    def log_faults(self, before: Counter[str]) -> None:
        """Log the faults since ``before``, whether or not the requests had an answer in the end."""
        faults = self.faults - before
        if faults:
            kinds = ", ".join(f"{count} × {kind}" for kind, count in faults.most_common())
            logger.info("%d faults of the servers: %s", faults.total(), kinds)

    def __str__(self) -> str:
        parts = [f"{self.prompt_tokens + self.completion_tokens:,} tokens"]
        parts += [f"${self.cost:.2f}"] if self.cost is not None else []
        parts += [f"{self.retries} retries"] if self.retries else []
        parts += [f"{self.failures} failures"] if self.failures else []
        return ", ".join(parts)
