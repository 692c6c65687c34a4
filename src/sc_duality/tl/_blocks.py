"""Blocks of cells, so that prompts of many cells do not fill the memory."""

from __future__ import annotations

from collections.abc import Iterator

from ..models.engines import tool_bar

#: Prompts that are sent to a model at once.
N_PROMPTS = 2**14


def blocks(n_cells: int, title: str, prompts_per_cell: int = 1) -> Iterator[slice]:
    """Runs of cells, with one progress bar in cells for the whole call."""
    size = max(1, N_PROMPTS // prompts_per_cell)
    with tool_bar(n_cells, title) as bar:
        for start in range(0, n_cells, size):
            stop = min(start + size, n_cells)
            bar.begin(start, stop, (stop - start) * prompts_per_cell)
            yield slice(start, stop)
        bar.begin(n_cells, n_cells, 1)
