"""Replace a file or folder by its new version in one step, so that a failed or killed write leaves the old one."""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: two processes that write one file at once are not kept apart
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

#: Errors of a full disk, a quota and a limit of the size of files.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
#: Arguments of renameat2 on Linux and renamex_np on macOS.
_WORKING_FOLDER, _EXCHANGE = -100, 2


@contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """Yield a path for the new version of ``path``, which replaces it at the end; after an error the old one stays.

    The new version lies in the folder :func:`unfinished`. Only one process uses it at a time; a second one waits. The
    next call removes what a killed process left there. If no new version is written, ``path`` stays.

    Raises
    ------
    PermissionError
        ``path`` or its folder is read-only.
    OSError
        The disk is full.
    """
    path = path.resolve()
    folder = unfinished(path)
    check_writable(path)
    with _locked(folder, path):
        new, old = folder / "new" / path.name, folder / "old"
        if old.exists() and not path.exists():
            new.rename(path)  # killed between the two steps of _exchange: the new version is complete
        _empty(folder)
        new.parent.mkdir()
        try:
            yield new
            if new.exists():
                _swap(new, path, old)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            free = shutil.disk_usage(path.parent).free
            cause = str(error.strerror or error).splitlines()[0]
            reason = f"{str(path)!r} is not changed, as the disk or a quota is full: {cause}, {free:,} bytes are free"
            raise OSError(error.errno, reason) from error


def unfinished(path: Path) -> Path:
    """The folder next to ``path`` in which its new version is written."""
    return path.with_name(f"{path.name}.sc_duality-unfinished")


def check_writable(path: Path) -> None:
    """Raise an error if ``path``, which need not exist, or its folder is read-only."""
    path = path.resolve()
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f"{str(path)!r} is read-only: make it writable, or write to a copy")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(
            f"the folder {str(path.parent)!r} is read-only, and a new version of {path.name!r} is written in it before "
            "the old one is replaced: make the folder writable, or write to a copy in another folder"
        )


def check_space(folder: Path, needed: int) -> None:
    """Raise an error if fewer than ``needed`` bytes are free on the disk of ``folder``."""
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, f"writing needs {needed:,} bytes in {str(folder)!r}")


@contextmanager
def _locked(folder: Path, path: Path) -> Iterator[None]:
    """Keep other processes out of ``folder``, and remove it at the end."""
    try:
        lock = _lock(folder, path)
    except PermissionError as error:
        raise PermissionError(
            f"{str(folder)!r} belongs to another user, who writes {path.name!r} or whose process was killed: delete it "
            "once no process writes there"
        ) from error
    try:
        yield
    finally:
        _empty(folder)
        (folder / "lock").unlink(missing_ok=True)
        with suppress(OSError):  # another process waits in it
            folder.rmdir()
        lock.close()


def _lock(folder: Path, path: Path) -> IO[str]:
    while True:
        with suppress(FileExistsError):  # exist_ok=True fails if the folder is removed in between
            folder.mkdir(mode=0o700)
        try:
            lock = (folder / "lock").open("a")
        except FileNotFoundError:  # the process before has just removed the folder
            continue
        if fcntl is None:
            return lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("another process writes %s: waiting for it", path)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            logger.debug("the file system of %s has no locks", folder)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), (folder / "lock").stat()):
                return lock
        lock.close()  # of a folder that the process before has removed


def _empty(folder: Path) -> None:
    """Remove everything but the lock; a new version that is left after an error is removed by the next call."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != "lock":
            entry.unlink(missing_ok=True)


def _swap(new: Path, path: Path, old: Path) -> None:
    _sync(new)
    if not path.exists():
        new.rename(path)
    elif not path.is_dir() and not new.is_dir():
        new.replace(path)
    elif not _exchange(new, path):
        path.rename(old)
        try:
            new.rename(path)
        except OSError:
            old.rename(path)
            raise
    _sync_entry(path.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two paths in one step; False where the system cannot."""
    if os.name != "posix":
        return False
    library = ctypes.CDLL(None)
    one_name, other_name = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        return not library.renameat2(_WORKING_FOLDER, one_name, _WORKING_FOLDER, other_name, _EXCHANGE)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return not library.renamex_np(one_name, other_name, _EXCHANGE)
    return False


def _sync(new: Path) -> None:
    """Write what is new to the disk: all but the files that are links to those of the old version."""
    for folder, _, files in os.walk(new):
        for name in files:
            if (Path(folder) / name).stat().st_nlink == 1:
                _sync_entry(Path(folder) / name)
        _sync_entry(Path(folder))
    if new.is_file():
        _sync_entry(new)


def _sync_entry(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
