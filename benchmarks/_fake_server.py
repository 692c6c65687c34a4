"""A small HTTP server that has enough of the OpenAI API, and fails on request."""

from __future__ import annotations

import socket
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from zlib import crc32

from benchmarks._fake_handler import NUMBERS, TRANSIENT, Handler, answer_to, log_likelihood

__all__ = ["NUMBERS", "TRANSIENT", "FakeServer", "answer_to", "log_likelihood", "when"]


def when(condition: Callable[[], bool], action: Callable[[], object]) -> None:
    """Run an action in the background as soon as a condition holds."""

    def wait() -> None:
        while not condition():
            time.sleep(0.002)
        action()

    Thread(target=wait, daemon=True).start()


class FakeServer(ThreadingHTTPServer):
    """Responds at ``address`` while it is open.

    Parameters
    ----------
    vllm
        Whether to be vLLM: with token ids, log-likelihoods and structured outputs.
    template
        Whether the model has a chat template.
    port
        Port; any free one by default.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, *, vllm: bool = True, template: bool = False, models: Sequence[str] = ("served",), port: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.vllm, self.template, self.models = vllm, template, models
        #: Faults by prompt; each happens once, or every time if the last one is "always".
        self.faults: dict[str, list[str]] = defaultdict(list)
        #: A fault or ``None`` for the n-th request with a prompt, after those of ``faults``.
        self.fault_of: Callable[[str, int], str | None] = lambda _prompt, _n: None
        self.key: str | None = None
        self.content_type = "application/json"
        self.retry_after, self.delay, self.slow, self.limit = "0", 0.0, 5.0, 10_000
        #: Completions without choices.
        self.writes: Callable[[str], str] = answer_to
        #: Number of requests and of answers by prompt, and of faults by kind.
        self.sent: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        #: Number of requests for the tokens of a text.
        self.tokenized: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.max_concurrent, self._now = 0, 0
        self._token_ids: dict[str, int] = {}
        self._lock, self._open = Lock(), list[socket.socket]()
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End like a crash: no request in progress gets a response."""
        self.shutdown()
        self.server_close()
        self._thread.join()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        self._open.append(connection)
        return connection, client

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore connections that clients closed."""

    def ids(self, text: str) -> list[int]:
        with self._lock:
            return [self._token_ids.setdefault(token, crc32(token.encode())) for token in text.split()]

    def text(self, ids: Sequence[int]) -> str:
        tokens = {number: token for token, number in self._token_ids.items()}
        return " ".join(tokens[number] for number in ids if number in tokens)

    def started(self, body: dict[str, Any], prompts: Sequence[str]) -> None:
        with self._lock:
            self._now += 1
            self.max_concurrent = max(self.max_concurrent, self._now)
            self.times.append(time.monotonic())
            self.bodies.append(body)
            self.sent.update(prompts)

    def ended(self, prompts: Sequence[str]) -> None:
        with self._lock:
            self._now -= 1
            self.answered.update(prompts)

    def fault(self, prompts: Sequence[str]) -> str | None:
        with self._lock:
            found = next(filter(None, map(self._fault, prompts)), None)
            self.failed.update([found] if found else [])
        return found

    def _fault(self, prompt: str) -> str | None:
        order = self.faults[prompt]
        if order:
            return order[0] if order[-1] == "always" else order.pop(0)
        return self.fault_of(prompt, self.sent[prompt] + self.tokenized[prompt])
