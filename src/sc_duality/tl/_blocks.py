"""Blocks of cells, so that prompts of many cells do not fill the memory."""

from __future__ import annotations

from collections.abc import Iterator

from tqdm.auto import tqdm

from .._settings import settings

#: Prompts that are sent to a model at once.
N_PROMPTS = 2**14


def blocks(n_cells: int, title: str, prompts_per_cell: int = 1) -> Iterator[slice]:
    """Runs of cells, with a progress bar if there is more than one."""
    size = max(1, N_PROMPTS // prompts_per_cell)
    starts = range(0, n_cells, size)
    for start in tqdm(starts, title, unit="block", disable=not settings.progress or len(starts) == 1):
        yield slice(start, min(start + size, n_cells))
