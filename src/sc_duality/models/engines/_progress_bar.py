"""One progress bar for a call: of its cells where a tool opens one, else of the prompts of a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tqdm.auto import tqdm

from ..._settings import settings


class ToolBar:
    """The bar of a tool: requests move it on within the present block of cells.

    Parameters
    ----------
    n_cells
        Cells of the call.
    title
        What the tool does.
    """

    def __init__(self, n_cells: int, title: str) -> None:
        self.bar = tqdm(total=n_cells, desc=title, unit="cell", disable=not settings.progress)
        #: First cell and number of cells of the block, the requests about it that were finished, and all of them.
        self._start, self._size, self._finished, self._n_requests = 0, 0, 0.0, 1

    def begin(self, start: int, stop: int, n_requests: int) -> None:
        """Begin the cells from ``start`` to ``stop``, about which about ``n_requests`` requests will be made."""
        self._start, self._size, self._finished, self._n_requests = start, stop - start, 0.0, n_requests
        self._show()

    def update(self, n_requests: float) -> None:
        """Some requests about this block are finished."""
        self._finished += n_requests
        self._show()

    def _show(self) -> None:
        if not self.bar.disable:
            now = self._start + int(self._size * min(1.0, self._finished / self._n_requests))
            self.bar.update(max(0, now - self.bar.n))


_open: ContextVar[ToolBar | None] = ContextVar("tool_bar", default=None)


@contextmanager
def tool_bar(n_cells: int, title: str) -> Iterator[ToolBar]:
    """Open the bar of a tool, which all requests move until it is closed."""
    tool = ToolBar(n_cells, title)
    token = _open.set(tool)
    try:
        with tool.bar:
            yield tool
    finally:
        _open.reset(token)


@contextmanager
def request_bar(n_requests: int, n_unique: int, n_stored: int, title: str, *, hidden: bool) -> Iterator[RequestBar]:
    """The bar of one request of prompts: the tool's own, if it has opened one.

    Parameters
    ----------
    n_requests, n_unique, n_stored
        Prompts, different ones among them, and those of these whose answer is stored.
    title
        What the engine does.
    hidden
        Whether no bar is shown.
    """
    tool = None if hidden else _open.get()
    if tool is not None:
        tool.update(n_requests * n_stored / max(1, n_unique))
    with tqdm(total=n_unique, initial=n_stored, desc=title, disable=hidden or tool is not None) as bar:
        yield RequestBar(bar, tool, n_requests / max(1, n_unique))


class RequestBar:
    """Counts finished prompts."""

    def __init__(self, bar: Any, tool: ToolBar | None, weight: float) -> None:
        self._bar, self._tool, self._weight = bar, tool, weight

    def update(self, n: int, note: str) -> None:
        """``n`` more different prompts are finished; the note stands after the count."""
        shown = self._bar if self._tool is None else self._tool.bar
        shown.set_postfix_str(note, refresh=False)
        if self._tool is None:
            self._bar.update(n)
        else:
            self._tool.update(n * self._weight)
