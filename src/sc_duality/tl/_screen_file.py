"""The file of a screen: its settings, and the scores of every perturbation that is finished."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Seconds to wait for another process that writes.
_LOCK_TIMEOUT = 60
#: SQLite's own mark of the programs that a file belongs to: "scdu".
_APPLICATION = 0x73636475

#: Context and perturbation.
Key = tuple[str, str]
Changes = NDArray[np.float64]


class ScreenFile:
    """Changes of the score by context and perturbation, in an SQLite file that a killed screen can resume.

    Parameters
    ----------
    path
        The file; ``None`` keeps the scores in memory alone.
    settings
        Everything that decides the scores.

    Raises
    ------
    FileExistsError
        The file holds a screen with other settings, or something else.
    OSError
        The file cannot be written.
    """

    def __init__(self, path: str | Path | None, settings: Mapping[str, Any]) -> None:
        self._path = None if path is None else Path(path)
        self._settings = json.loads(json.dumps(settings))
        self._found: dict[Key, Changes] = {}
        if self._path is None:
            return
        if self._path.is_dir():
            raise IsADirectoryError(f"output={str(path)!r} is a folder: pass the name of a file, such as screen.sqlite")
        if not self._path.parent.is_dir():
            raise FileNotFoundError(f"output={str(path)!r}: the folder {str(self._path.parent)!r} does not exist")
        with self._connection() as connection:
            self._check_same(connection)
            self._found = {(c, p): _from_json(text) for c, p, text in connection.execute("SELECT * FROM changes")}

    def __contains__(self, key: Key) -> bool:
        return key in self._found

    def __getitem__(self, key: Key) -> Changes:
        return self._found[key]

    def add(self, changes: Mapping[Key, Changes], *, unfinished: Iterable[Key] = ()) -> None:
        """Keep these scores; those of ``unfinished`` keys in memory alone, so that they are requested again."""
        self._found |= changes
        left_out = set(unfinished)
        rows = [(*key, _to_json(values)) for key, values in changes.items() if key not in left_out]
        if self._path is not None and rows:
            with self._connection() as connection:
                connection.executemany("INSERT OR IGNORE INTO changes VALUES (?, ?, ?)", rows)

    def note(self) -> str:
        """What an error says about the scores that are kept."""
        if self._path is None:
            return "pass output= to keep the scores that are finished"
        return f"{len(self._found)} finished scores are in {str(self._path)!r}: call again to resume"

    def _check_same(self, connection: sqlite3.Connection) -> None:
        """Refuse a file of another screen; write the settings into a new one."""
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute("CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)")
            connection.execute(
                "CREATE TABLE changes "
                "(context TEXT, perturbation TEXT, change TEXT, PRIMARY KEY (context, perturbation))"
            )
            rows = [(name, json.dumps(value)) for name, value in self._settings.items()]
            connection.executemany("INSERT INTO settings VALUES (?, ?)", rows)
            return
        if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
            raise FileExistsError(f"output={str(self._path)!r} is a database, but not of a screen: pass another file")
        before = {name: json.loads(value) for name, value in connection.execute("SELECT * FROM settings")}
        other = sorted(name for name in {*before, *self._settings} if before.get(name) != self._settings.get(name))
        if other:
            values = ", ".join(
                f"{name}: {_short(before.get(name))}, not {_short(self._settings.get(name))}" for name in other
            )
            raise FileExistsError(
                f"output={str(self._path)!r} holds a screen with other settings ({values}): pass another file, or the "
                "same settings to resume it"
            )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the file, written as a whole or not at all."""
        assert self._path is not None
        try:
            connection = sqlite3.connect(self._path, timeout=_LOCK_TIMEOUT, isolation_level=None)
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            finally:
                connection.close()  # rolls back what is not committed
        except sqlite3.OperationalError as error:
            raise OSError(f"output={str(self._path)!r} cannot be written: {error}") from error
        except sqlite3.DatabaseError as error:
            raise FileExistsError(f"output={str(self._path)!r} is not a file of a screen: pass another one") from error


def _to_json(changes: Changes) -> str:
    return json.dumps([[None if np.isnan(value) else value for value in row] for row in changes.tolist()])


def _from_json(text: str) -> Changes:
    return np.array(json.loads(text), dtype=float)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}…"
