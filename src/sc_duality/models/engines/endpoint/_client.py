"""Requests to one or several servers of the same model, with retries after transient faults."""

from __future__ import annotations

import json
import time
from asyncio import sleep
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from openai import APIConnectionError, APIStatusError, APITimeoutError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from ._address import Address, is_transient
from ._usage import Usage

T = TypeVar("T")

#: Parts of servers' messages about a prompt that exceeds the context length.
_TOO_LONG_MESSAGES = ("context length", "context_length", "context window", "context size", "too long")


class RequestFailed(Exception):  # noqa: N818
    """A request has no answer after all attempts; others may have one."""

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


class TransientError(Exception):
    """A fault that a retry may fix; counted by its ``kind``."""

    def __init__(self, kind: str, detail: str = "", *, unreachable: bool = False) -> None:
        super().__init__(f"{kind} ({detail})" if detail else kind)
        self.kind, self.unreachable = kind, unreachable


class Client:
    """Sends requests to the least busy server, at a limited rate, and again after transient faults.

    Parameters
    ----------
    addresses
        The servers.
    attempts
        Maximum number of times to send a request.
    backoff
        Seconds before the second attempt; they double with each.
    requests_per_minute
        Maximum rate of requests to all servers together; they are spread evenly.
    usage
        Counts requests, tokens and faults.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        attempts: int,
        backoff: float,
        requests_per_minute: float | None,
        usage: Usage,
    ) -> None:
        self.addresses = addresses
        self.usage = usage
        self._attempts, self._backoff = attempts, backoff
        self._interval = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._next_time = 0.0
        self.reset(1)

    def reset(self, max_unreachable: int) -> None:
        """Start a new run, which fails if its first ``max_unreachable`` requests reach no server."""
        self._any_response, self._n_unreachable, self._max_unreachable = False, 0, max_unreachable

    async def send(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """Send ``body`` until ``read`` accepts the response, and return what it reads.

        Raises
        ------
        RequestFailed
            If all attempts failed, or the prompt exceeds the context length.
        ConnectionError
            If no server was reached since :meth:`reset`.
        PermissionError, ValueError
            If the server refuses the request in a way that holds for every request.
        """
        # Without any server, retries of every prompt would take forever.
        attempts = 1 if self._n_unreachable >= self._max_unreachable else self._attempts
        retry = AsyncRetrying(
            stop=stop_after_attempt(attempts),
            wait=wait_exponential(multiplier=self._backoff, max=60) + wait_random(0, self._backoff),
            retry=retry_if_exception_type(TransientError),
            before_sleep=self._count_retry,
            reraise=True,
        )
        try:
            return await retry(self._send_once, path, body, read, set())
        except TransientError as fault:
            self.usage.failures += 1
            self._n_unreachable += fault.unreachable
            if not self._any_response and self._n_unreachable >= self._max_unreachable:
                urls = ", ".join(address.url for address in self.addresses)
                raise ConnectionError(f"no response from {urls}: {fault}. Is the server running?") from None
            times = f"{attempts} attempts" if attempts > 1 else "1 attempt"
            raise RequestFailed(f"{fault} after {times}", unreachable=fault.unreachable) from None

    async def close(self) -> None:
        """Close all connections."""
        for address in self.addresses:
            await address.close()

    async def _send_once(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T], tried: set[Address]) -> T:
        """Send a request to one server, if possible not one in ``tried``, and add it to these."""
        address = await self._free_address(tried)
        tried.add(address)
        address.in_flight += 1
        try:
            await self._limit_rate()
            self.usage.requests += 1
            content = await address.post(path.format(root=address.root), body)
        except (APITimeoutError, TimeoutError):
            address.avoid()
            raise self._fault("timeout", unreachable=True) from None
        except APIConnectionError as error:
            address.avoid()
            raise self._fault("no connection", address.clean(str(error.__cause__ or "")), unreachable=True) from None
        except APIStatusError as error:
            self._any_response, self._n_unreachable = True, 0
            raise self._refusal(address, error) from None
        finally:
            address.in_flight -= 1
        self._any_response, self._n_unreachable = True, 0
        address.mark_healthy()
        try:
            answer = json.loads(content)  # bytes: whatever the headers say, JSON is UTF-8
            self._count_tokens(answer)
            return read(answer)
        except TransientError as fault:
            self.usage.faults[fault.kind] += 1
            raise
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            start = content[:100].decode(errors="replace")
            raise self._fault("unreadable response", address.clean(start) or "empty") from None

    def _refusal(self, address: Address, error: APIStatusError) -> Exception:
        """The exception for an HTTP error: transient, of this prompt, or of every request."""
        status, body = error.status_code, error.body
        detail = (body.get("message") or body.get("detail")) if isinstance(body, dict) else body
        message = address.clean(str(detail or error.message))
        no_quota = error.code == "insufficient_quota"
        if is_transient(status) and not no_quota:
            address.pause(_retry_after(error))
            return self._fault(f"HTTP {status}", message)
        if status in (400, 413) and any(part in message.lower() for part in _TOO_LONG_MESSAGES):
            self.usage.failures += 1
            return RequestFailed(f"the prompt exceeds the context length of the server: {message}")
        refused = f"{address.url} refuses the request with HTTP {status}: {message}"
        if status in (401, 403):
            return PermissionError(f"{refused}. Pass api_key= or set SC_DUALITY_API_KEY")
        if "response_format" in message or "json_schema" in message:
            refused += ". It cannot restrict answers: pass method='generate' instead of 'choose'"
        return ValueError(refused)

    def _fault(self, kind: str, detail: str = "", *, unreachable: bool = False) -> TransientError:
        self.usage.faults[kind] += 1
        return TransientError(kind, detail, unreachable=unreachable)

    def _count_retry(self, _: object) -> None:
        self.usage.retries += 1

    def _count_tokens(self, answer: Any) -> None:
        used = answer.get("usage") or {}
        self.usage.prompt_tokens += used.get("prompt_tokens") or 0
        self.usage.completion_tokens += used.get("completion_tokens") or 0

    async def _free_address(self, tried: set[Address]) -> Address:
        """The least busy server; one that is avoided, or was tried, only where there is no other."""
        while True:
            now = time.monotonic()

            def rank(address: Address, now: float = now) -> tuple[bool, bool, float, int]:
                return address.avoided_until > now, address in tried, max(address.paused_until, now), address.in_flight

            address = min(self.addresses, key=rank)
            if address.paused_until <= now:
                return address
            await sleep(address.paused_until - now)

    async def _limit_rate(self) -> None:
        """Wait until the next request may be sent."""
        now = time.monotonic()
        start = max(now, self._next_time)
        self._next_time = start + self._interval
        await sleep(start - now)


def _retry_after(error: APIStatusError) -> float:
    """Seconds of the Retry-After header; a date in it is ignored."""
    try:
        return float(error.response.headers.get("retry-after", 0))
    except ValueError:
        return 0.0
