"""Requests, tokens and cost of a model since the last reading."""

from __future__ import annotations

from ..models import LanguageModel, engine_info

#: What engines behind a server count.
_COUNTED = ("requests", "prompt_tokens", "completion_tokens", "cost")


class UsageMeter:
    """Usage of a model since the last reading."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._before = self._total()

    def read(self) -> dict[str, float]:
        """Usage by name; empty for an engine that does not count."""
        before, self._before = self._before, self._total()
        return {name: value - before.get(name, 0) for name, value in self._before.items()}

    def _total(self) -> dict[str, float]:
        usage = engine_info(self._model).usage
        found = {name: getattr(usage, name, None) for name in _COUNTED}
        return {name: value for name, value in found.items() if value is not None}
