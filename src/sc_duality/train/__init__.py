"""Training with TRL, from examples: SFT, GRPO and traces. Nothing here knows AnnData.

The halves that import TRL and torch are imported at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._run import Run, Trained, digest
from ._schedule import Schedule
from ._task_reward import TaskReward
from ._traces import ACCEPTED, BELOW, NOT_ANSWERED, WRONG, Counts, Distilled, Trace, TraceFile, read_traces
from ._trainer_args import check_options
from ._trl import check_trl

if TYPE_CHECKING:
    from ._context_length import check_context_length
    from ._grpo import Alignment, align
    from ._progress import bars
    from ._sft import fit

__all__ = [
    "ACCEPTED",
    "BELOW",
    "NOT_ANSWERED",
    "WRONG",
    "Alignment",
    "Counts",
    "Distilled",
    "Run",
    "Schedule",
    "TaskReward",
    "Trace",
    "TraceFile",
    "Trained",
    "align",
    "bars",
    "check_context_length",
    "check_options",
    "check_trl",
    "digest",
    "fit",
    "read_traces",
]
_HEAVY = {
    "Alignment": "_grpo",
    "align": "_grpo",
    "bars": "_progress",
    "check_context_length": "_context_length",
    "fit": "_sft",
}


def __getattr__(name: str) -> Any:
    """Import what loads TRL at first use."""
    if name in _HEAVY:
        return getattr(import_module(f".{_HEAVY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
