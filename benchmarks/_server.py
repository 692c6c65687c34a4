"""A vLLM server on this machine as a context manager."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass
class Server:
    """A server at ``address``."""

    address: str
    process: subprocess.Popen[bytes]
    killed: bool = False

    def kill(self) -> None:
        """End it with all of its processes, as a crash would."""
        self.killed = True
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serve(folder: str | Path, *, options: Sequence[str] = (), patience: float = 300) -> Iterator[Server]:
    """Serve the model in ``folder`` by vLLM until the block ends.

    Parameters
    ----------
    folder
        The model.
    options
        More arguments of the server, such as ``["--dtype", "float32"]``.
    patience
        Longest start in seconds.

    Raises
    ------
    RuntimeError
        If it does not start, or ends before the block does; the message has the end of its output.
    """
    port = _free_port()
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    # Chunked prefill with seeded sampling ends vLLM 0.31 on a CPU.
    command += ["--host", "127.0.0.1", "--port", str(port), "--enforce-eager", "--no-enable-chunked-prefill", *options]
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    with tempfile.TemporaryFile() as log:
        # A new session, so that the engine's process ends with the server.
        process = subprocess.Popen(
            command, env=quiet | os.environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}/health", log, patience)
            server = Server(f"http://127.0.0.1:{port}/v1", process)
            yield server
            if process.poll() is not None and not server.killed:
                raise RuntimeError(f"vLLM ended with exit status {process.returncode}:\n{_end_of(log)}")
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str, log: IO[bytes], patience: float) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"vLLM did not start:\n{_end_of(log)}")


def _end_of(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode(errors="replace")[-4000:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
