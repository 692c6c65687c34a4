"""A vLLM engine, which runs in processes of its own: started, kept busy, watched and stopped."""

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

#: Requests that vLLM holds at most: more than it runs at once, so that it never waits for us.
_WAITING = 4096
#: Seconds that the processes have to end by themselves.
_PATIENCE = 60

# No report on usage to its makers, and only errors on the screen, unless the user wants them.
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")


class Request(NamedTuple):
    """What vLLM is asked for, under a key of the asker."""

    key: Any
    ids: list[int]
    #: vLLM's SamplingParams or PoolingParams.
    params: Any


#: Keys and vLLM's outputs, as they finish.
Finishing = Iterator[list[tuple[Any, Any]]]


class Process:
    """A running engine; it stops with :meth:`stop`, when the last one forgets it, and at the end of Python.

    Parameters
    ----------
    options
        Of ``vllm.LLM``.
    """

    def __init__(self, **options: Any) -> None:
        from vllm import LLM

        self._numbers = count()
        before, ours = {*multiprocessing.active_children(), *_threads()}, _shared_memory(os.getpid())
        self._engine = LLM(**options).llm_engine
        core = self._engine.engine_core
        self._processes = [one for one in multiprocessing.active_children() if one not in before]
        theirs = {path for one in self._processes for path in _shared_memory(one.pid)} - ours
        if self._processes:
            # vLLM waits for ever for an engine that was killed.
            sentinels = [one.sentinel for one in self._processes]
            threading.Thread(target=_watch, args=(sentinels, core.outputs_queue), daemon=True).start()
        self.stop = weakref.finalize(self, _stop, core, theirs, [one for one in _threads() if one not in before])

    @property
    def is_running(self) -> bool:
        """Whether it can be asked."""
        return self.stop.alive and all(one.is_alive() for one in self._processes)

    def run(self, requests: Iterable[Request], lora: Any = None) -> Finishing:
        """Put requests, with a LoRA adapter if one is given, and yield key and output of each when it has finished.

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
                for request in islice(waiting, _WAITING - len(keys)):
                    name = str(next(self._numbers))
                    self._engine.add_request(name, tokens_input(request.ids), request.params, lora_request=lora)
                    keys[name] = request.key
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
                    "too little memory; call again to start them anew"
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
    """Those that run and have an end; tqdm's has none."""
    return [one for one in threading.enumerate() if not isinstance(one, TMonitor)]


def _stop(core: Any, shared_memory: set[Path], threads: list[threading.Thread]) -> None:
    core.shutdown(timeout=_PATIENCE)
    # A thread that still runs while Python ends can abort the process.
    for one in threads:
        if one is not threading.current_thread():
            one.join(_PATIENCE)
    for path in shared_memory:
        path.unlink(missing_ok=True)  # there if a process was killed


def _shared_memory(pid: int | None) -> set[Path]:
    """Segments that a process and its children hold, as Linux tells."""
    import psutil

    if not psutil.LINUX:
        return set()
    one = psutil.Process(pid)
    maps = (held for each in (one, *one.children(recursive=True)) for held in each.memory_maps())
    return {Path(held.path) for held in maps if held.path.startswith("/dev/shm/psm_")}
