"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator
from queue import SimpleQueue
from threading import Thread, current_thread
from typing import Any, TypeVar

T = TypeVar("T")


class EventLoopThread:
    """An event loop in a thread; the caller may run another one, as notebooks do."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="sc_duality endpoint", daemon=True)
        self._thread.start()
        self._process = os.getpid()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine and wait for its result."""
        self._check_process(work)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def stream(
        self, work: Callable[[Any], Coroutine[Any, Any, T]], items: Iterable[Any], *, concurrency: int
    ) -> Iterator[T]:
        """Run ``work`` on every item, at most ``concurrency`` at the same time; results come as they finish.

        The first error ends everything, after the results that finished before it. Closing the iterator cancels the
        work in progress.
        """
        self._check_process()
        finished: SimpleQueue[tuple[T] | None] = SimpleQueue()
        remaining = iter(items)

        async def worker() -> None:
            for item in remaining:
                finished.put((await work(item),))

        async def run_workers() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(worker())

        future = asyncio.run_coroutine_threadsafe(run_workers(), self._loop)
        future.add_done_callback(lambda _: finished.put(None))
        try:
            while (result := finished.get()) is not None:
                yield result[0]
            future.result()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            future.cancel()

    def close(self, clean_up: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Cancel the work in progress, run ``clean_up``, and end the thread, which a forked process does not have."""
        if os.getpid() != self._process:
            return

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await clean_up()
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
        # The last reference to the engine may have been in a task of the thread itself.
        if current_thread() is not self._thread:
            self._thread.join()
            self._loop.close()

    def _check_process(self, work: Coroutine[Any, Any, Any] | None = None) -> None:
        """Refuse to wait in a forked process for a thread that only the other process has."""
        if os.getpid() != self._process:
            if work is not None:
                work.close()
            raise RuntimeError("this endpoint was opened before the process was forked: load it in each worker")
