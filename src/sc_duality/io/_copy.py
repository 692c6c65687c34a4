"""Copy a store, to change the copy."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from .._replacement import check_space

#: Files of a zarr store that a change rewrites. All others are chunks, which are written once.
_METADATA = {"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"}


def copy_store(path: Path, new: Path, n_bytes: int) -> None:
    """Copy a store for which ``n_bytes`` more are written; the chunks of a zarr store are linked, not copied.

    Raises
    ------
    OSError
        The disk has not enough space, or a folder of the zarr store is read-only.
    """
    check_space(path.parent, n_bytes + (0 if path.is_dir() else path.stat().st_size))
    if path.is_dir():
        _check_folders(path)
        _link_files(path, new)
    else:
        _copy_file(path, new)


def _check_folders(path: Path) -> None:
    for folder, _, _ in os.walk(path):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"the folder {folder!r} in the zarr store is read-only: make it writable")


def _link_files(path: Path, new: Path) -> None:
    for name, _, files in os.walk(path, followlinks=True):
        folder = Path(name)
        target = new / folder.relative_to(path)
        target.mkdir()
        _copy_rights(folder, target)
        for file in files:
            _link(folder / file, target / file)


def _link(source: Path, target: Path) -> None:
    if source.name not in _METADATA:
        with suppress(OSError):  # some file systems have no links
            os.link(os.path.realpath(source), target)
            return
    _copy_file(source, target)


def _copy_file(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    _copy_rights(source, target)


def _copy_rights(source: Path, target: Path) -> None:
    """Give a copy the rights and, where this user may, the owner of its source."""
    shutil.copystat(source, target)
    status = source.stat()
    with suppress(OSError, AttributeError):  # Windows has no owners of this kind
        os.chown(target, status.st_uid, status.st_gid)
