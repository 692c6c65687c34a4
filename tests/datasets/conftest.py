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
class FileServer:
    """A local file server that can fail."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    #: By name: errors to return once each: a status, or the number of bytes to leave out.
    errors: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)

    def file(self, name: str, content: bytes, known_hash: str | None = None) -> File:
        """Serve a file."""
        self.files[name] = content
        return File(name, (f"{self.address}/{name}",), known_hash)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path / "cache")
    monkeypatch.setattr(sd.settings, "progress", False)
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2].partition("?")[0]
            served.requests[name] += 1
            kind, number = served.errors[name].pop(0) if served.errors.get(name) else ("", 0)
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

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = FileServer(f"http://127.0.0.1:{http.server_address[1]}")
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield served
    http.shutdown()
    http.server_close()


@pytest.fixture
def serve(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Serve the files of a data set, in their order."""

    def register(name: str, *contents: bytes) -> None:
        known = SETS[name]
        files = tuple(server.file(file.name, content) for file, content in zip(known.files, contents, strict=True))
        monkeypatch.setitem(SETS, name, type(known)(**{**vars(known), "files": files}))

    return register
