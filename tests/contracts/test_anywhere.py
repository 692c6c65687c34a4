"""Tools work without a home, a folder that can be written or a network, in forked workers and in threads."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import sc_duality as sd
from sc_duality import tasks

#: Three cells are annotated in a fresh interpreter.
ANNOTATE = """
import sc_duality as sd
def labels(start=0):
    adata = sd.datasets.pbmc3k()[start : start + 3].copy()
    sd.tl.annotate(adata, labels="blood")
    return adata.obs["annotation"].tolist()
"""
#: No home, no entry of the user, no place for numba's cache, and no network.
NOWHERE = """
import pwd, socket
def refuse(*_, **__):
    raise KeyError("no entry")
def unreachable(*_, **__):
    raise AssertionError("a connection was opened")
pwd.getpwuid, socket.socket.connect, socket.getaddrinfo = refuse, unreachable, unreachable
import numba.core.caching
numba.core.caching.CacheImpl._locator_classes = []
"""
#: Workers that annotate as well.
WORKERS = """
import multiprocessing, sys
if __name__ == "__main__":
    here = [labels(0), labels(3)] if "after" in sys.argv else None
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        there = pool.map(labels, [0, 3])
    assert here in (None, there), (here, there)
    print("done", len(there))
"""


def run(code, folder, *arguments, **environment):
    file = folder / "script.py"
    file.write_text(code)
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    kept |= {"SC_DUALITY_PROGRESS": "0", "OMP_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, file, *arguments], env=kept | environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.processes
def test_without_home_network_and_cache_of_numba(tmp_path):
    code = NOWHERE + ANNOTATE + "print(labels(), labels(0))"
    told = run(code, tmp_path, TMPDIR=str(tmp_path), SC_DUALITY_CACHE="1", SC_DUALITY_CACHE_DIR="")
    assert told.count("there is no home folder") == 1
    assert told.count("'B cell'") == 2
    assert [path.name for path in tmp_path.glob("sc_duality-*/*.sqlite")] == ["answers.sqlite"]


def test_a_cache_that_cannot_be_made(cells, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setattr(sd.settings, "cache", True)
    monkeypatch.setattr(sd.settings, "cache_dir", tmp_path / "file" / "cache")
    for _ in range(2):
        sd.models.unload()
        sd.tl.annotate(cells, labels="blood")
    sd.models.unload()
    assert cells.obs["annotation"].notna().any()
    assert caplog.text.count("answers are not stored") == 1


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_workers_that_are_forked_after_the_parent_has_annotated(tmp_path):
    assert "done 2" in run(ANNOTATE + WORKERS, tmp_path, "fork", "after")


@pytest.mark.processes
@pytest.mark.parametrize("method", ["spawn"])
def test_workers_of_every_kind(method, tmp_path):
    assert "done 2" in run(ANNOTATE + WORKERS, tmp_path, method)


def test_two_threads_at_once(cells):
    expected = sd.tl.annotate(cells, labels="blood", copy=True).obs["annotation"].tolist()
    sd.models.unload()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: sd.tl.annotate(cells, labels="blood", copy=True), range(2)))
    assert [adata.obs["annotation"].tolist() for adata in found] == [expected, expected]


@pytest.mark.parametrize(
    "value",
    [
        sd.settings,
        sd.Duality(form="likelihood"),
        sd.Sampling(temperature=0.5, n_samples=2),
        sd.models.resolve("embedded"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_settings_can_be_sent_to_workers(value):
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("task", [tasks.Annotation(labels=("B cell", "T cell")), tasks.Sensitivity(drug="cisplatin")])
def test_tasks_can_be_sent_to_workers(task):
    found = pickle.loads(pickle.dumps(task))
    assert found.prompt_format.name == task.prompt_format.name
    assert (type(found), found.labels) == (type(task), task.labels)
