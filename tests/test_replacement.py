"""A file or folder is replaced as a whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sc_duality import _replacement
from sc_duality._replacement import check_space, check_writable, replacement, unfinished

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes")


def write(path: Path, text: str, kind: str) -> None:
    if kind == "file":
        path.write_text(text)
    else:
        path.mkdir()
        (path / "part").write_text(text)


def read(path: Path) -> str:
    return (path / "part" if path.is_dir() else path).read_text()


def in_child(action: Callable[[], None]) -> int:
    """The exit status of an action in another process."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001 - the child must not go on with the tests
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def kill_at(n: int, events: list[str]) -> None:
    """Kill this process before it changes something in the file system for the n-th time."""
    watched = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "ctypes.dlsym"}

    def hook(event: str, _: object) -> None:
        if event in watched:
            events.append(event)
            if len(events) > n:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_process_killed_at_any_step_leaves_the_old_or_the_new_version(
    kind: str, exchange: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchange:
        monkeypatch.setattr(_replacement, "_exchange", lambda *_: False)

    def replace() -> None:
        with replacement(path) as new:
            write(new, "new", kind)

    found = []
    for n in range(60):
        path = tmp_path / f"{n}"
        write(path, "old", kind)

        def killed(n: int = n) -> None:
            kill_at(n, [])
            replace()

        status = in_child(killed)
        if status == 0:
            break
        assert status == signal.SIGKILL
        found.append(read(path) if path.exists() else "missing")
        replace()
        assert read(path) == "new"
    assert not list(tmp_path.glob("*unfinished")), "the next call removes what is left"
    assert n > 8, "the process was killed at many steps"
    assert set(found) == ({"old", "new"} if exchange or kind == "file" else {"old", "new", "missing"})
    assert found == sorted(found, key=["old", "missing", "new"].index)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_new_version_is_on_the_disk_before_it_replaces_the_old_one(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cells"
    write(path, "old", kind)
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append((os.fstat(handle).st_ino, read(path))))
    with replacement(path) as new:
        write(new, "new", kind)
    written = [path, path / "part"] if kind == "folder" else [path]
    assert {(each.stat().st_ino, "old") for each in written} <= set(synced)
    assert synced[-1] == (tmp_path.stat().st_ino, "new")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_error_leaves_the_old_version(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "cells"
    write(path, "old", kind)

    def fail() -> None:
        with replacement(path) as new:
            write(new, "half", kind)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read(path) == "old"
    with replacement(path):
        pass
    assert read(path) == "old", "nothing was written"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cells"
    path.write_text("old")
    with (
        pytest.raises(OSError, match=r"cells' is not changed, .* full: no space, [\d,]+ bytes are free") as caught,
        replacement(path),
    ):
        raise OSError(errno.ENOSPC, "no space")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="writing needs 1,000,000,000,000,000,000 bytes in"):
        check_space(tmp_path, 10**18)
    check_space(tmp_path, 1)


def test_a_new_version_that_cannot_be_moved_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_replacement, "_exchange", lambda *_: False)
    path = tmp_path / "cells"
    write(path, "old", "folder")
    rename = Path.rename

    def fail(one: Path, other: Path) -> Path:
        if other == path and one.parent.name == "new":
            raise OSError(errno.EIO, "broken")
        return rename(one, other)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="broken"), replacement(path) as new:
        write(new, "new", "folder")
    assert read(path) == "old"


def test_a_new_path_and_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "cells"
    for text, kind in (("a", "folder"), ("b", "file"), ("c", "file"), ("d", "folder")):
        with replacement(path) as new:
            write(new, text, kind)
        assert read(path) == text
        assert path.is_file() == (kind == "file")
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_stays(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    target, link = tmp_path / "disk" / "cells", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with replacement(link) as new:
        assert new.is_relative_to(unfinished(target))
        new.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_second_writer_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "count"
    path.write_text("0")

    def count() -> None:
        for _ in range(20):
            with replacement(path) as new:
                new.write_text(str(int(path.read_text()) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "80"
    assert "another process writes" in caplog.text
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_text("0")
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            for _ in range(20):
                with replacement(path) as new:
                    new.write_text(str(int(path.read_text()) + 1))
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 3
    assert path.read_text() == "60"


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users may enter."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def refused(path: Path, reason: str, *, before: bool = True) -> None:
    """Check in another process, which is not root's, that a path cannot be replaced."""

    def replace() -> None:
        if os.getuid() == 0:  # root may write everywhere
            os.setgid(65534)
            os.setuid(65534)
        if before:
            with pytest.raises(PermissionError, match=reason):
                check_writable(path)
        with pytest.raises(PermissionError, match=reason), replacement(path):
            pass

    assert in_child(replace) == 0


def test_read_only_is_named(shared_folder: Path) -> None:
    path = shared_folder / "folder" / "cells"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o444)
    refused(path, "cells' is read-only: make it writable")
    path.chmod(0o666)
    path.parent.chmod(0o555)
    refused(path, "folder' is read-only, and a new version of 'cells'")
    path.parent.chmod(0o777)
    unfinished(path).mkdir()
    unfinished(path).chmod(0o000)
    refused(path, "belongs to another user, who writes 'cells'", before=False)
    assert path.read_text() == "old"
