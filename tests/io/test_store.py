"""A write into a store that fails or is killed leaves the store with its old contents, or with all the new ones."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import mudata as md
import numpy as np
import pytest
import zarr

import sc_duality as sd
from sc_duality.io import _copy, _store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes")
STORES = ["cells.h5ad", "cells.h5mu", "cells.v2.zarr", "cells.v3.zarr"]
#: What is written into which store by processes that are killed; every write and every store is among them.
KILLED = [
    ("results", "cells.h5ad"),
    ("sentences", "cells.h5mu"),
    ("sentences", "cells.v2.zarr"),
    ("results", "cells.v3.zarr"),
]
Write = Callable[[Path], None]


@pytest.fixture(scope="module")
def results() -> tuple[ad.AnnData, ad.AnnData]:
    """Cells with old and with new results under the same keys."""
    old = sd.datasets.pbmc3k()[::20].copy()
    sd.tl.annotate(old, labels="blood")
    new = old.copy()
    sd.pp.cell_sentences(new, 50)
    sd.tl.annotate(new, labels=["B cell", "NK cell"])
    return old[:, :400].copy(), new[:, :400].copy()


def stored(adata: ad.AnnData, path: Path) -> Path:
    if path.suffix == ".h5ad":
        adata.write_h5ad(path)
    elif path.suffix == ".h5mu":
        md.MuData({"rna": adata}).write(path)
    else:
        with ad.settings.override(zarr_write_format=int(path.stem[-1])):
            adata.write_zarr(path)
    return path


def read(path: Path) -> ad.AnnData:
    if path.suffix == ".h5mu":
        return md.read(path)["rna"]
    return ad.read_h5ad(path) if path.suffix == ".h5ad" else ad.read_zarr(path)


def contents(path: Path) -> dict[str, bytes]:
    """All bytes of a store, by file."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def has_new(path: Path, writes: str) -> bool:
    """Whether a store has all the new results; metadata of zarr must agree with its contents."""
    found = read(path)
    shapes = [found.obsm["cell_sentence"].shape[1], found.obsm["annotation_probabilities"].shape[1]]
    assert len(found.obs["annotation"].cat.categories) <= shapes[1] + 1
    assert sd.get.cell_sentences(found).str.split().str.len().max() <= shapes[0]
    if path.is_dir():
        lazy = ad.experimental.read_lazy(path)
        assert [lazy.obsm["cell_sentence"].shape[1], lazy.obs["annotation"].shape[0]] == [shapes[0], found.n_obs]
    return shapes[0] == 50 and (shapes[1] == 2) == (writes == "results")


@pytest.fixture(params=["results", "sentences"])
def writes(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def stores(results: tuple[ad.AnnData, ad.AnnData], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stores of the old results."""
    folder = tmp_path_factory.mktemp("stores")
    for name in STORES:
        stored(results[0].copy(), folder / name)
    return folder


@pytest.fixture(params=STORES)
def path(request: pytest.FixtureRequest, stores: Path, tmp_path: Path) -> Path:
    """A store with the old results."""
    return copied(stores / request.param, tmp_path / request.param)


def copied(path: Path, new: Path) -> Path:
    shutil.copytree(path, new) if path.is_dir() else shutil.copyfile(path, new)
    return new


@pytest.fixture
def write(writes: str, results: tuple[ad.AnnData, ad.AnnData]) -> Write:
    if writes == "sentences":
        return lambda path: sd.io.write_sentences(path, 50)
    return lambda path: sd.io.write_results(results[1].copy(), path)


def in_child(action: Callable[[], None], kill_after: float | None = None) -> int:
    """The exit status of an action in another process, which may be killed after some seconds."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001 - the child must not go on with the tests
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def kill_at(n: int, count: list[int], path: Path) -> None:
    """Kill this process before it opens or changes something in or next to ``path`` for the n-th time."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(("os.", "open", "shutil.")) and str(path) in repr(arguments):
            count[0] += 1
            if count[0] == n:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def n_steps(write: Write, path: Path, folder: Path) -> int:
    """The number of times that a write opens or changes something."""

    def counted() -> None:
        count = [0]
        kill_at(-1, count, path)
        write(path)
        (folder / "steps").write_text(str(count[0]))

    assert in_child(counted) == 0
    return int((folder / "steps").read_text())


@pytest.mark.parametrize(("writes", "path"), KILLED, indirect=True)
def test_a_killed_process_leaves_the_old_store_or_the_new_one(
    write: Write, writes: str, path: Path, tmp_path: Path
) -> None:
    before = contents(path)
    reference = copied(path, tmp_path / f"reference.{path.name}")
    n = n_steps(write, reference, tmp_path)
    assert has_new(reference, writes)
    for step in np.linspace(2, n, 3).astype(int).tolist():

        def killed(step: int = step) -> None:
            kill_at(step, [0], path)
            write(path)

        assert in_child(killed) == signal.SIGKILL, step
        if contents(path) == before:
            continue
        assert has_new(path, writes), step
        assert step > n / 2
    write(path)
    assert has_new(path, writes)
    assert not list(tmp_path.glob("*unfinished")), "what the killed processes left is removed"


@pytest.mark.parametrize("n_writes", [0, 1, 3])
def test_an_error_leaves_the_old_store(
    n_writes: int, write: Write, writes: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, calls = contents(path), []

    def fail(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) > (n_writes if writes == "results" else min(n_writes, 1)):
            raise OSError(errno.ENOSPC, "no space")
        write_elem(*arguments)

    write_elem = _store.write_elem
    monkeypatch.setattr(_store, "write_elem", fail)
    with pytest.raises(OSError, match=f"{path.name}' is not changed, as the disk or a quota is full: no space"):
        write(path)
    monkeypatch.undo()
    assert contents(path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_store(write: Write, writes: str, path: Path, tmp_path: Path) -> None:
    """A limit of the size of files stands for the disk: HDF5 itself fails to write."""
    before = contents(path)
    largest = max(len(content) for content in before.values())
    limit = largest + 500 if path.is_file() and writes == "results" else 100

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(OSError, match="is not changed, as the disk or a quota is full"):
            write(path)

    assert in_child(limited) == 0
    assert contents(path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_too_little_space_is_named_before_the_work(write: Write, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(path)
    monkeypatch.setattr("sc_duality._replacement.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    monkeypatch.setattr(_copy.shutil, "copyfile", lambda *_: pytest.fail("the store was copied"))
    with pytest.raises(OSError, match=r"needs [\d,]+ bytes in .*, 10 bytes are free"):
        write(path)
    monkeypatch.undo()
    assert contents(path) == before


def test_two_processes_keep_each_others_results(path: Path) -> None:
    keys = ["first", "second"]
    children = []
    for key in keys:
        child = os.fork()
        if child == 0:
            sd.io.write_sentences(path, 20, key_added=key)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 2
    assert {*keys, "cell_sentence"} <= set(read(path).obsm)


@pytest.mark.parametrize("path", STORES[2:], indirect=True)
def test_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link  # with which zarr moves its files

    def fail(source: Path | str, target: Path | str) -> None:
        if "unfinished" not in str(source):
            raise OSError(errno.EPERM, "no links")
        link(source, target)

    monkeypatch.setattr(os, "link", fail)
    sd.io.write_sentences(path, 20)
    assert read(path).obsm["cell_sentence"].shape[1] == 20


def test_rights_and_links_stay(path: Path, tmp_path: Path) -> None:
    path.chmod(0o750)
    link = tmp_path / f"link{path.suffix}"
    link.symlink_to(path)
    sd.io.write_sentences(link, 20)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o750
    assert read(path).obsm["cell_sentence"].shape[1] == 20


def test_old_formats(tmp_path: Path) -> None:
    cells = sd.datasets.pbmc3k()[:5].copy()
    path = tmp_path / "old.h5ad"
    with h5py.File(path, "w") as file:
        X = file.create_group("X")
        X.attrs.update({"h5sparse_format": "csr", "h5sparse_shape": np.array(cells.shape)})
        for name in ("data", "indices", "indptr"):
            X[name] = getattr(cells.X, name)
        for name, names in (("obs", cells.obs_names), ("var", cells.var_names)):
            file[name] = np.array([(each.encode(),) for each in names], dtype=[("index", "S40")])
    assert ad.read_h5ad(path).n_obs == 5
    cells.write_zarr(tmp_path / "old.zarr")
    group = zarr.open_group(tmp_path / "old.zarr", mode="r+", use_consolidated=False)
    del group["obs"]
    group.create_array("obs", data=np.arange(5))
    for old in (path, tmp_path / "old.zarr"):
        before = contents(old)
        with pytest.raises(ValueError, match="has the old format of anndata before 0.7.*write it anew"):
            sd.io.write_sentences(old)
        assert contents(old) == before


@pytest.mark.parametrize("path", ["cells.h5ad", "cells.v3.zarr"], indirect=True)
def test_elements_of_the_user_stay(path: Path, results: tuple[ad.AnnData, ad.AnnData]) -> None:
    plain = results[0].copy()
    del plain.uns["annotation"]
    plain.obs["annotation_confidence"], plain.obsm["X_pca"] = 1.0, np.ones((plain.n_obs, 2))
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = contents(stored(plain, path))
    with pytest.raises(ValueError, match=r"would overwrite obs\['annotation.*\], which sc_duality did not write"):
        sd.io.write_results(results[1].copy(), path)
    with pytest.raises(ValueError, match=r"would overwrite obsm\['X_pca'\].*pass another key_added="):
        sd.io.write_sentences(path, 20, key_added="X_pca")
    with pytest.raises(ValueError, match="key_added='run/1' contains '/'"):
        sd.io.write_sentences(path, 20, key_added="run/1")
    assert contents(path) == before
