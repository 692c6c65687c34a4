"""Requests to one or several servers that answer for the same model, again where a fault may pass."""

from __future__ import annotations

import json
import time
from asyncio import sleep
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from openai import APIConnectionError, APIStatusError, APITimeoutError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from ._endpoint_address import Address
from ._endpoint_usage import Usage

T = TypeVar("T")

#: What servers write when a prompt is longer than their model reads.
_TOO_LONG = ("context length", "context_length", "context window", "context size", "too long")


class GivenUpError(Exception):
    """A request got no answer, but others may."""

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


class PassingError(Exception):
    """A fault that may be gone the next time; ``kind`` is what it is counted as."""

    def __init__(self, kind: str, detail: str = "", *, unreachable: bool = False) -> None:
        super().__init__(f"{kind} ({detail})" if detail else kind)
        self.kind, self.unreachable = kind, unreachable


class Client:
    """Asks whichever server is least busy, in time, and again after faults that may pass.

    Parameters
    ----------
    addresses
        The servers.
    attempts
        How often a request is sent before it is given up.
    backoff
        Seconds before the second attempt; they double with each.
    requests_per_minute
        Requests that may be sent in a minute, to all servers together; they are spread evenly.
    usage
        Where to count.
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
        self._gap = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._turn = 0.0
        self.begin(1)

    def begin(self, patience: int) -> None:
        """Start to count anew: after ``patience`` requests in a row that reached no server, there is none."""
        self._heard, self._unheard, self._patience = False, 0, patience

    async def ask(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """Send ``body`` until ``read`` can make sense of the answer.

        Raises
        ------
        GivenUpError
            If all attempts were in vain, or the prompt is too long for the model.
        ConnectionError
            If no server was reached since :meth:`begin`.
        PermissionError, ValueError
            If the server refuses such requests; any other would be refused too.
        """
        # Once no server is there, waiting for it again at every prompt would take for ever.
        attempts = 1 if self._unheard >= self._patience else self._attempts
        again = AsyncRetrying(
            stop=stop_after_attempt(attempts),
            wait=wait_exponential(multiplier=self._backoff, max=60) + wait_random(0, self._backoff),
            retry=retry_if_exception_type(PassingError),
            before_sleep=self._count_retry,
            reraise=True,
        )
        try:
            return await again(self._once, path, body, read, set())
        except PassingError as fault:
            self.usage.failures += 1
            self._unheard += fault.unreachable
            if not self._heard and self._unheard >= self._patience:
                urls = ", ".join(address.url for address in self.addresses)
                raise ConnectionError(f"no answer from {urls}: {fault}. Is the server running?") from None
            times = f"{attempts} attempts" if attempts > 1 else "1 attempt"
            raise GivenUpError(f"{fault} after {times}", unreachable=fault.unreachable) from None

    async def close(self) -> None:
        """Close all connections."""
        for address in self.addresses:
            await address.http.close()

    async def _once(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T], tried: set[Address]) -> T:
        """Send a request to a server, rather not to one of those that were ``tried``, and add that one to them."""
        address = await self._free_address(tried)
        tried.add(address)
        address.in_flight += 1
        try:
            await self._wait_for_turn()
            self.usage.requests += 1
            text = await address.http.post(path.format(root=address.root), body=dict(body), cast_to=str)
        except APIConnectionError as error:
            address.leave_out()
            if isinstance(error, APITimeoutError):
                raise self._fault("no answer in time", unreachable=True) from None
            raise self._fault("no connection", address.says(str(error.__cause__ or "")), unreachable=True) from None
        except APIStatusError as error:
            self._heard, self._unheard = True, 0
            raise self._refusal(address, error) from None
        finally:
            address.in_flight -= 1
        self._heard, self._unheard = True, 0
        address.recovered()
        try:
            answer = json.loads(text)
            self._count_tokens(answer)
            return read(answer)
        except PassingError as fault:
            self.usage.faults[fault.kind] += 1
            raise
        except (ValueError, TypeError, LookupError, AttributeError):
            raise self._fault("unreadable answer", address.says(text[:100]) or "nothing") from None

    def _refusal(self, address: Address, error: APIStatusError) -> Exception:
        """What to make of an HTTP error: the fault of a moment, of this prompt, or of all that will be asked."""
        status, body = error.status_code, error.body
        told = (body.get("message") or body.get("detail")) if isinstance(body, dict) else body
        message = address.says(str(told or error.message))
        spent = error.code == "insufficient_quota"
        if (status in (408, 409, 429) or status >= 500) and not spent:
            address.pause(_retry_after(error))
            return self._fault(f"HTTP {status}", message)
        if status in (400, 413) and any(sign in message.lower() for sign in _TOO_LONG):
            self.usage.failures += 1
            return GivenUpError(f"the prompt is too long for the server: {message}")
        refused = f"{address.url} refuses the request with HTTP {status}: {message}"
        if status in (401, 403):
            return PermissionError(f"{refused}. Pass api_key= or set SC_DUALITY_API_KEY")
        return ValueError(refused)

    def _fault(self, kind: str, detail: str = "", *, unreachable: bool = False) -> PassingError:
        self.usage.faults[kind] += 1
        return PassingError(kind, detail, unreachable=unreachable)

    def _count_retry(self, _: object) -> None:
        self.usage.retries += 1

    def _count_tokens(self, answer: Any) -> None:
        used = answer.get("usage") or {}
        self.usage.prompt_tokens += used.get("prompt_tokens") or 0
        self.usage.completion_tokens += used.get("completion_tokens") or 0

    async def _free_address(self, tried: set[Address]) -> Address:
        """The least busy server; one that was not there, or was tried, is taken only where there is no other."""
        while True:
            now = time.monotonic()

            def rank(one: Address, now: float = now) -> tuple[bool, bool, float, int]:
                return one.out_until > now, one in tried, max(one.paused_until, now), one.in_flight

            address = min(self.addresses, key=rank)
            if address.paused_until <= now:
                return address
            await sleep(address.paused_until - now)

    async def _wait_for_turn(self) -> None:
        now = time.monotonic()
        turn = max(now, self._turn)
        self._turn = turn + self._gap
        await sleep(turn - now)


def _retry_after(error: APIStatusError) -> float:
    """Seconds that the server asks to wait; dates are left to the back-off."""
    try:
        return float(error.response.headers.get("retry-after", 0))
    except ValueError:
        return 0.0
