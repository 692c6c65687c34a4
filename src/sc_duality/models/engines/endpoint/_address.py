"""One server: its connection, its load, and until when to avoid it."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from openai import AsyncOpenAI, HttpxBinaryResponseContent, Timeout

#: Seconds to open a connection.
_CONNECT_TIMEOUT = 10.0
#: Maximum pause that a server may request, in seconds.
_MAX_PAUSE = 900.0
#: Maximum time to avoid a failing server where there are others, in seconds.
_MAX_AVOIDANCE = 60.0
#: Maximum length of a server's message in an error.
_MAX_MESSAGE = 300


class Address:
    """One server of a model.

    Parameters
    ----------
    url
        Address; ``/v1`` is added where it has no path.
    api_key
        The key; by default the environment variable ``SC_DUALITY_API_KEY``. ``OPENAI_API_KEY`` is sent to OpenAI only.
    timeout
        Maximum seconds of a response.
    """

    def __init__(self, url: str, *, api_key: str | None, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a server: write http://host:8000/v1")
        if parts.username or parts.password:
            raise ValueError(
                f"the address of {parts.hostname} contains a password, which would be stored with the results: "
                "pass api_key= or set SC_DUALITY_API_KEY"
            )
        self.url = url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
        #: Base of vLLM's routes outside the OpenAI API.
        self.root = self.url.removesuffix("/v1")
        self.is_openai = parts.hostname == "api.openai.com"
        self.key = api_key or os.environ.get("SC_DUALITY_API_KEY")
        if self.is_openai:
            self.key = self.key or os.environ.get("OPENAI_API_KEY")
        self._timeout = timeout
        self._http = AsyncOpenAI(
            base_url=self.url,
            api_key=self.key or "none",
            max_retries=0,
            timeout=Timeout(timeout, connect=min(timeout, _CONNECT_TIMEOUT)),
        )
        #: Requests in progress.
        self.in_flight = 0
        #: Times until which the server asked for a pause, and until which it is avoided after faults.
        self.paused_until, self.avoided_until = 0.0, 0.0
        self._faults = 0

    async def get(self, path: str) -> bytes:
        """The body of the response."""
        return (await self._http.get(path, cast_to=HttpxBinaryResponseContent)).content

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The body of the response; the HTTP client limits the time between two parts of it, and this the whole."""
        async with asyncio.timeout(self._timeout):
            return (await self._http.post(path, body=dict(body), cast_to=HttpxBinaryResponseContent)).content

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    def pause(self, seconds: float) -> None:
        """Send it no request for a while; not where the length is not a finite number."""
        if not math.isfinite(seconds):
            return
        self.paused_until = max(self.paused_until, time.monotonic() + min(seconds, _MAX_PAUSE))

    def avoid(self) -> None:
        """Prefer other servers for a second after two faults in a row, and twice as long after each further one."""
        if time.monotonic() >= self.avoided_until:
            self._faults += 1
            if self._faults > 1:
                self.avoided_until = time.monotonic() + min(2.0 ** (self._faults - 2), _MAX_AVOIDANCE)

    def mark_healthy(self) -> None:
        """End the avoidance after a response."""
        self._faults, self.avoided_until = 0, 0.0

    def clean(self, text: str) -> str:
        """A message of the server, shortened and without the key."""
        text = " ".join((text.replace(self.key, "…") if self.key else text).split())
        return text if len(text) <= _MAX_MESSAGE else f"{text[: _MAX_MESSAGE - 1]}…"


def is_transient(status: int) -> bool:
    """Whether a request with this HTTP status may succeed later."""
    return status in (408, 409, 429) or status >= 500
