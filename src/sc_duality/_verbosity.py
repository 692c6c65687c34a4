"""How much the package says, as in scanpy."""

from __future__ import annotations

import logging
import sys
from enum import IntEnum
from typing import Any

_logger = logging.getLogger("sc_duality")


class Verbosity(IntEnum):
    """What is written to stderr: each level with those before it."""

    error = 0
    warning = 1
    info = 2
    hint = 3
    debug = 4

    @classmethod
    def of(cls, value: Any) -> Verbosity:
        """The level by its number or its name."""
        levels = {str(key): level for level in cls for key in (level.name, level.value)}
        if str(value).lower() not in levels:
            raise ValueError(f"pass a number from 0 to 4, or one of {', '.join(level.name for level in cls)}")
        return levels[str(value).lower()]


def apply(verbosity: Verbosity) -> None:
    """Set the level of the package's logger."""
    levels = logging.ERROR, logging.WARNING, logging.INFO, logging.INFO, logging.DEBUG
    _logger.setLevel(levels[verbosity])


class _Messages(logging.StreamHandler[Any]):
    """Writes messages to stderr, unless the program has configured Python's logging itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the message alone."""
        if not logging.getLogger().handlers:
            self.setStream(sys.stderr)  # of now, as notebooks replace it
            super().emit(record)


_logger.addHandler(_Messages())
