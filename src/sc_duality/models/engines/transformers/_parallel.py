"""Batches of a small model at once, one on each core."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from ._batches import Batch

#: Batches at once at most; limits the memory.
_MAX_WORKERS = 16


def computed(
    batches: Iterable[Batch], compute: Callable[[Batch], torch.Tensor], *, parallel: bool
) -> Iterator[tuple[Batch, torch.Tensor]]:
    """Each batch with its result, in the order of the batches.

    The products of a small model are too short to be divided among cores: two batches on a core each are ready long
    before two that share both cores, one after the other. Each has the arithmetic of one thread.

    Parameters
    ----------
    batches
        The batches.
    compute
        The result of one; called in other threads with ``parallel``.
    parallel
        Whether to compute as many at once as torch has threads.
    """
    threads = torch.get_num_threads()
    if not parallel or threads == 1:
        for batch in batches:
            yield batch, compute(batch)
        return
    waiting: deque[tuple[Batch, Future[torch.Tensor]]] = deque()
    pool = ThreadPoolExecutor(min(threads, _MAX_WORKERS), initializer=torch.set_num_threads, initargs=(1,))
    try:
        for batch in batches:
            waiting.append((batch, pool.submit(compute, batch)))
            if len(waiting) > min(threads, _MAX_WORKERS):
                done, result = waiting.popleft()
                yield done, result.result()
        for done, result in waiting:
            yield done, result.result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # of threads that start after these
