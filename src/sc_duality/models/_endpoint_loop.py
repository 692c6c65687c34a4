"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from queue import SimpleQueue
from threading import Thread, current_thread
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """An event loop that runs beside the caller, who may have one already, as notebooks do."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="sc_duality endpoint", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for one piece of work."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def stream(
        self, work: Callable[[Any], Coroutine[Any, Any, T]], parts: Iterable[Any], *, at_once: int
    ) -> Iterator[T]:
        """Do the work for every part, at most ``at_once`` at the same time; results come as they finish.

        The first error ends everything, after the results that were finished before it. Whoever stops to take results
        stops the work: what is under way is cancelled.
        """
        finished: SimpleQueue[tuple[T] | None] = SimpleQueue()
        left = iter(parts)

        async def worker() -> None:
            for part in left:
                finished.put((await work(part),))

        async def crew() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(worker())

        future = asyncio.run_coroutine_threadsafe(crew(), self._loop)
        future.add_done_callback(lambda _: finished.put(None))
        try:
            while (result := finished.get()) is not None:
                yield result[0]
            future.result()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            future.cancel()

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Cancel what is under way, do the ``last`` work, and end the thread."""

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await last()
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
        # Whoever let go of the engine last may have been a task in the thread itself.
        if current_thread() is not self._thread:
            self._thread.join()
            self._loop.close()
