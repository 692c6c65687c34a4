"""A vLLM engine in processes of its own: start, run, watch and stop it."""

from __future__ import annotations

import multiprocessing
import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count, islice
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import TMonitor

#: Maximum number of requests in vLLM's queue: more than it runs at once, so that it never idles.
_QUEUE_SIZE = 4096
#: Seconds for the processes to end by themselves.
_SHUTDOWN_TIMEOUT = 60

# No usage statistics, and only errors in the log, unless the user sets these variables.
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")


class Request(NamedTuple):
    """A request to vLLM, with a key of the caller."""

    key: Any
    ids: list[int]
    #: vLLM's SamplingParams or PoolingParams.
    params: Any


#: Keys and vLLM's outputs, as they finish.
Outputs = Iterator[list[tuple[Any, Any]]]


class VLLMProcess:
    """A running engine; it ends with :meth:`stop`, when it is garbage-collected, and at the end of Python.

    Parameters
    ----------
    options
        Options of ``vllm.LLM``.
    """

    def __init__(self, **options: Any) -> None:
        from vllm import LLM

        self._ids = count()
        before = {*multiprocessing.active_children(), *_threads()}
        segments_before = _shared_memory(os.getpid())
        self._engine = LLM(**options).llm_engine
        core = self._engine.engine_core
        self._processes = [process for process in multiprocessing.active_children() if process not in before]
        segments = {path for process in self._processes for path in _shared_memory(process.pid)} - segments_before
        if self._processes:
            # vLLM waits forever for an engine that was killed.
            sentinels = [process.sentinel for process in self._processes]
            threading.Thread(target=_watch, args=(sentinels, core.outputs_queue), daemon=True).start()
        threads = [thread for thread in _threads() if thread not in before]
        self.stop = weakref.finalize(self, _stop, core, segments, threads)

    @property
    def is_running(self) -> bool:
        """Whether it accepts requests."""
        return self.stop.alive and all(process.is_alive() for process in self._processes)

    def run(self, requests: Iterable[Request], lora: Any = None) -> Outputs:
        """Run requests, with a LoRA adapter if one is given, and yield key and output of each when it has finished.

        Raises
        ------
        RuntimeError
            If the engine died.
        """
        from vllm.inputs import tokens_input
        from vllm.v1.engine.exceptions import EngineDeadError

        waiting, keys = iter(requests), dict[str, Any]()
        try:
            while True:
                for request in islice(waiting, _QUEUE_SIZE - len(keys)):
                    request_id = str(next(self._ids))
                    self._engine.add_request(request_id, tokens_input(request.ids), request.params, lora_request=lora)
                    keys[request_id] = request.key
                if not keys:
                    return
                outputs = [output for output in self._engine.step() if output.finished]
                if outputs:
                    yield [(keys.pop(output.request_id), output) for output in outputs]
        except Exception as error:
            if isinstance(error, EngineDeadError) or not self.is_running:
                self.stop()
                raise RuntimeError(
                    "the processes of vLLM have ended: they were killed, or had an error that is shown above, such as "
                    "too little memory; call again to restart them"
                ) from error
            raise
        except KeyboardInterrupt:
            self.stop()  # an interrupt from the keyboard reaches these processes as well
            raise
        finally:
            if keys and self.is_running:
                with suppress(EngineDeadError):
                    self._engine.abort_request(list(keys))


def _watch(sentinels: list[int], outputs: Any) -> None:
    from vllm.v1.engine.exceptions import EngineDeadError

    wait(sentinels)
    outputs.put(EngineDeadError())


def _threads() -> list[threading.Thread]:
    """Running threads, without the monitor of tqdm, which never ends."""
    return [thread for thread in threading.enumerate() if not isinstance(thread, TMonitor)]


def _stop(core: Any, shared_memory: set[Path], threads: list[threading.Thread]) -> None:
    core.shutdown(timeout=_SHUTDOWN_TIMEOUT)
    # A thread that is still running while Python ends can abort the process.
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(_SHUTDOWN_TIMEOUT)
    for path in shared_memory:
        path.unlink(missing_ok=True)  # left over if a process was killed


def _shared_memory(pid: int | None) -> set[Path]:
    """Shared memory segments of a process and its children; on Linux only."""
    import psutil

    if not psutil.LINUX:
        return set()
    parent = psutil.Process(pid)
    processes = (parent, *parent.children(recursive=True))
    maps = (segment for process in processes for segment in process.memory_maps())
    return {Path(segment.path) for segment in maps if segment.path.startswith("/dev/shm/psm_")}
