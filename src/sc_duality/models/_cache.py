"""Answers that are kept on disk, so that nothing is asked twice."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from time import monotonic, sleep

from .._settings import settings

logger = logging.getLogger(__name__)

#: Questions looked up in one statement.
_AT_ONCE = 500
#: How long to wait for another process that writes, in seconds.
_PATIENCE = 60


class AnswerCache:
    """Answers by question, in one SQLite file that any number of processes may share.

    A cache never stops work: if its file cannot be used (full disk, no permission, not a database), that is said once
    and the work goes on without it.

    Parameters
    ----------
    path
        The file; ``None`` keeps nothing.
    limit
        Bytes that the file may have. When it is full, the oldest answers go.
    """

    def __init__(self, path: Path | None, limit: int) -> None:
        self._path, self._limit = path, limit
        self._lock = Lock()
        self._since_trim = 0
        self._connection: sqlite3.Connection | None = None
        if path is not None:
            with self._or_without():
                self._open(path)

    @property
    def is_open(self) -> bool:
        """Whether answers are being kept."""
        return self._connection is not None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The answers to those of these questions that were answered before."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys) if self.is_open else 0, _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            ask = f"SELECT key, value FROM answers WHERE key IN ({','.join('?' * len(part))})"
            with self._or_without():
                found |= dict(self._run(ask, part))
        return found

    def put(self, answers: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep answers; they are on disk when this returns."""
        if answers and self.is_open:
            with self._or_without():
                self._put(answers)

    def clear(self) -> None:
        """Forget all answers and give the space back."""
        if self.is_open:
            with self._or_without():
                self._run("DELETE FROM answers")
                self._run("VACUUM")

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Statements commit by themselves. A commit that is in the log survives the death of the process.
        self._connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        self._share()
        self._run("PRAGMA synchronous = NORMAL")
        self._run("CREATE TABLE IF NOT EXISTS answers (number INTEGER PRIMARY KEY, key BLOB UNIQUE, value BLOB)")

    def _share(self) -> None:
        """Write to a log beside the file; SQLite refuses that at once while another process does so too."""
        until = monotonic() + _PATIENCE
        while True:
            try:
                self._run("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or monotonic() > until:
                    raise
                sleep(0.01)

    def _put(self, answers: Sequence[tuple[bytes, bytes]]) -> None:
        assert self._connection is not None
        self._run("BEGIN IMMEDIATE")
        try:
            self._connection.executemany("INSERT OR IGNORE INTO answers (key, value) VALUES (?, ?)", answers)
            self._since_trim += sum(len(key) + len(value) for key, value in answers)
            if self._since_trim > self._limit // 64:
                self._trim()
            self._run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._run("ROLLBACK")
            raise

    def _trim(self) -> None:
        """Drop the oldest quarter once the file is full; the pages that this frees are written again."""
        self._since_trim = 0
        pages, free, size = (
            self._run(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size > self._limit:
            first, last = self._run("SELECT min(number), max(number) FROM answers").fetchone()
            self._run("DELETE FROM answers WHERE number <= ?", [first + (last - first) // 4])

    def _run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        assert self._connection is not None
        return self._connection.execute(statement, values)

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        """Work with the file; if that fails, say so and go on without it."""
        with self._lock:
            try:
                yield
            except (sqlite3.Error, OSError) as error:
                self.close()
                logger.warning("answers are not kept: the cache %s cannot be used (%s)", self._path, error)


#: Keeps nothing.
NO_CACHE = AnswerCache(None, 0)


def answer_cache() -> AnswerCache:
    """The cache that the settings name, opened once in each process."""
    path = settings.cache_dir / "answers.sqlite" if settings.cache else None
    return _opened(path, settings.cache_size, os.getpid())


@lru_cache(maxsize=1)
def _opened(path: Path | None, limit: int, _process: int) -> AnswerCache:
    return AnswerCache(path, limit)


def clear_cache() -> None:
    """Forget all answers that were kept, of all models.

    They lie in ``sd.settings.cache_dir``. Other files there, such as downloads, stay.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.clear_cache()
    """
    answer_cache().clear()
