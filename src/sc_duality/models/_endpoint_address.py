"""One server, how busy it is, and until when to leave it alone."""

from __future__ import annotations

import os
import time
from urllib.parse import urlsplit

from openai import AsyncOpenAI, Timeout

#: Seconds in which a connection must stand, the longest pause that a server may ask for, and the longest time that it
#: is left out where there are others.
_CONNECT, _LONGEST_PAUSE, _LONGEST_OUT = 10.0, 900.0, 60.0


class Address:
    """One server that answers for a model.

    Parameters
    ----------
    url
        Where it is; ``/v1`` is added where there is no path.
    api_key
        The key; else ``SC_DUALITY_API_KEY`` of the environment. ``OPENAI_API_KEY`` is shown to OpenAI alone.
    timeout
        Seconds that an answer may take.
    """

    def __init__(self, url: str, *, api_key: str | None, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a server: write http://host:8000/v1")
        if parts.username or parts.password:
            raise ValueError(
                f"the address of {parts.hostname} holds a password, which would be written down with the results: "
                "pass api_key= or set SC_DUALITY_API_KEY"
            )
        self.url = url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
        #: Where vLLM answers what is not part of OpenAI's interface.
        self.root = self.url.removesuffix("/v1")
        self.is_openai = parts.hostname == "api.openai.com"
        self.key = api_key or os.environ.get("SC_DUALITY_API_KEY")
        if self.is_openai:
            self.key = self.key or os.environ.get("OPENAI_API_KEY")
        self.http = AsyncOpenAI(
            base_url=self.url,
            api_key=self.key or "none",
            max_retries=0,
            timeout=Timeout(timeout, connect=min(timeout, _CONNECT)),
        )
        #: Requests under way, the time until which it asked for a pause, and that until which it is better left out.
        self.in_flight, self.paused_until, self.out_until = 0, 0.0, 0.0
        self._faults = 0

    def pause(self, seconds: float) -> None:
        """Ask it nothing for a while."""
        self.paused_until = max(self.paused_until, time.monotonic() + min(seconds, _LONGEST_PAUSE))

    def leave_out(self) -> None:
        """Prefer others for a second after two faults in a row, and twice as long after each further one."""
        if time.monotonic() >= self.out_until:
            self._faults += 1
            if self._faults > 1:
                self.out_until = time.monotonic() + min(2.0 ** (self._faults - 2), _LONGEST_OUT)

    def recovered(self) -> None:
        """It has answered."""
        self._faults, self.out_until = 0, 0.0

    def says(self, text: str) -> str:
        """A message of the server, short and without the key."""
        text = " ".join((text.replace(self.key, "…") if self.key else text).split())
        return text if len(text) <= 300 else f"{text[:299]}…"
