from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import sc_duality as sd
from sc_duality.datasets._fetch import File
from sc_duality.datasets._registry import SETS


@dataclass
class Home:
    """A server of files on this machine, which can be made to fail."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    #: By name: what to do instead of answering, once each: a status, or how many bytes to leave out.
    faults: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def file(self, name: str, content: bytes, known_hash: str | None = None) -> File:
        """A file that is served."""
        self.files[name] = content
        return File(name, (f"{self.address}/{name}",), known_hash)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path / "cache")
    monkeypatch.setattr(sd.settings, "progress", False)
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2].partition("?")[0]
            served.asked[name] += 1
            kind, number = served.faults[name].pop(0) if served.faults.get(name) else ("", 0)
            content = served.files.get(name)
            if kind == "status" or content is None:
                self.send_error(number or 404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) - number])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Home(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give the files of a data set, in their order, from this machine."""

    def give(name: str, *contents: bytes) -> None:
        known = SETS[name]
        files = tuple(home.file(file.name, content) for file, content in zip(known.files, contents, strict=True))
        monkeypatch.setitem(SETS, name, type(known)(**{**vars(known), "files": files}))

    return give
