"""Answers of models on disk, so that no request is computed twice."""

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

from ..._settings import cache_folder, settings

logger = logging.getLogger(__name__)

#: Keys per SQL statement.
_KEYS_PER_QUERY = 500
#: Seconds to wait for another process that writes.
_LOCK_TIMEOUT = 60


class AnswerCache:
    """Answers by request, in one SQLite file that any number of processes may share.

    A cache never stops a run: if its file cannot be used (full disk, no permission, not a database), one warning is
    logged and the run continues without it.

    Parameters
    ----------
    path
        The file; ``None`` stores nothing.
    limit
        Maximum size of the file in bytes. When it is full, the oldest answers are deleted.
    """

    def __init__(self, path: Path | None, limit: int) -> None:
        self._path, self._limit = path, limit
        self._lock = Lock()
        self._since_trim = 0
        self._connection: sqlite3.Connection | None = None
        if path is not None:
            with self._warn_on_failure():
                self._open(path)

    @property
    def is_open(self) -> bool:
        """Whether answers are stored."""
        return self._connection is not None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Stored answers by key; keys without one are left out."""
        answers: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            part = keys[start : start + _KEYS_PER_QUERY]
            query = f"SELECT key, value FROM answers WHERE key IN ({','.join('?' * len(part))})"
            with self._warn_on_failure():
                if self.is_open:
                    answers |= dict(self._run(query, part))
        return answers

    def put(self, answers: Sequence[tuple[bytes, bytes]]) -> None:
        """Store answers; they are on disk when this returns."""
        with self._warn_on_failure():
            if answers and self.is_open:
                self._put(answers)

    def clear(self) -> None:
        """Delete all answers and free the space."""
        with self._warn_on_failure():
            if self.is_open:
                self._run("DELETE FROM answers")
                self._run("VACUUM")

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit. A commit that is in the log survives a killed process.
        self._connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False)
        self._enable_wal()
        self._run("PRAGMA synchronous = NORMAL")
        self._run("CREATE TABLE IF NOT EXISTS answers (number INTEGER PRIMARY KEY, key BLOB UNIQUE, value BLOB)")

    def _enable_wal(self) -> None:
        """Turn on write-ahead logging; SQLite refuses that while another process turns it on."""
        deadline = monotonic() + _LOCK_TIMEOUT
        while True:
            try:
                self._run("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or monotonic() > deadline:
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
        """Delete the oldest quarter once the file is full; SQLite reuses the freed pages."""
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
    def _warn_on_failure(self) -> Iterator[None]:
        """Use the file; if that fails, log a warning and continue without it."""
        with self._lock:
            try:
                yield
            except (sqlite3.Error, OSError) as error:
                self.close()
                logger.warning("answers are not stored: the cache %s cannot be used (%s)", self._path, error)


#: Stores nothing.
NO_CACHE = AnswerCache(None, 0)


def answer_cache() -> AnswerCache:
    """The cache of the settings, opened once per process."""
    path = cache_folder("answers.sqlite") if settings.cache else None
    return _open_once(path, settings.cache_size, os.getpid())


@lru_cache(maxsize=1)
def _open_once(path: Path | None, limit: int, _process: int) -> AnswerCache:
    return AnswerCache(path, limit)


def clear_cache() -> None:
    """Delete the stored answers of all models.

    They are in ``sd.settings.cache_dir``. Other files there, such as downloads, are not touched.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.clear_cache()
    """
    answer_cache().clear()
