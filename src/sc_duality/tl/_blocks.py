"""Cells by the block, so that what a model is asked about them does not fill the memory."""

from __future__ import annotations

from collections.abc import Iterator

from tqdm.auto import tqdm

from .._settings import settings

#: Questions that are put to a model at once.
QUESTIONS = 2**14


def blocks(n_cells: int, what: str, questions: int = 1) -> Iterator[slice]:
    """Runs of cells, about each of which so many questions are asked, with a bar if there is more than one."""
    size = max(1, QUESTIONS // questions)
    starts = range(0, n_cells, size)
    for start in tqdm(starts, what, unit="block", disable=not settings.progress or len(starts) == 1):
        yield slice(start, min(start + size, n_cells))
