"""The progress bar of a run; nothing is printed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import datasets
from transformers import PrinterCallback, ProgressCallback
from transformers.utils import logging


class Bar(ProgressCallback):
    """The bar of transformers without its log, which the history holds."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Print nothing."""


def without_prints(trainer: Any) -> None:
    """Stop a trainer from printing its log."""
    trainer.remove_callback(PrinterCallback)
    if trainer.pop_callback(ProgressCallback) is not None:
        trainer.add_callback(Bar)


@contextmanager
def bars(*, shown: bool) -> Iterator[None]:
    """Show or hide the bars of transformers and datasets, and restore their settings."""
    before = logging.is_progress_bar_enabled(), datasets.are_progress_bars_disabled()
    (logging.enable_progress_bar if shown else logging.disable_progress_bar)()
    (datasets.enable_progress_bars if shown else datasets.disable_progress_bars)()
    try:
        yield
    finally:
        (logging.enable_progress_bar if before[0] else logging.disable_progress_bar)()
        (datasets.disable_progress_bars if before[1] else datasets.enable_progress_bars)()
