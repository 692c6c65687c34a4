"""Writers of stores that are killed at random times: the part of ``benchmarks.reliability`` on files of the user.

Every killed writer must leave the old store or the new one, and the next call must complete it.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import anndata as ad
import mudata as md
import numpy as np

import sc_duality as sd

STORES = ["cells.h5ad", "cells.h5mu", "cells_v2.zarr", "cells_v3.zarr"]
#: Writers are killed until this fraction of the time of a whole run, so that the last steps are hit too.
LATEST = 1.1


def killed_writers(folder: Path, n: int = 20, seed: int = 0) -> dict[str, Any]:
    """Kill each writer ``n`` times at random, over all kinds of stores; fewer than 3 times, as many of the writers.

    Returns ``kills`` (writers that did not complete), ``old`` and ``new`` (the store had its old or its new contents
    afterwards), ``lost`` (it had neither) and ``wrong`` (the next call did not complete it).
    """
    rng = np.random.default_rng(seed)
    counts = dict.fromkeys(("kills", "old", "new", "lost", "wrong"), 0)
    sd.models.load("embedded")  # so that a killed process does not spend its time on imports
    results = folder / "results.h5ad"
    _run(lambda: _annotated().write_h5ad(results))
    for name in STORES:
        write_store(sd.datasets.pbmc3k()[::3].copy(), folder / name)
    writers: dict[str, Callable[[Path], None]] = {
        "io.write_sentences": lambda path: sd.io.write_sentences(path, 100),
        "io.write_results": lambda path: sd.io.write_results(ad.read_h5ad(results), path),
        "tl.annotate": annotate_store,
    }
    for write in list(writers.values())[:n]:
        wholes = {name: _whole(write, folder / name, folder / f"new_{name}") for name in STORES[:n]}
        for i in range(n):
            name = STORES[i % len(STORES)]
            new, seconds = wholes[name]
            outcome = _killed(write, folder / name, folder / f"killed_{name}", new, rng.uniform(0, LATEST * seconds))
            for one in outcome:
                counts[one] += 1
    return counts


def annotate_store(path: Path) -> None:
    """Annotate the cells of a store without loading their expression, and write the results into it."""
    if path.suffix == ".h5mu":
        adata = md.read(path)
    else:
        adata = ad.read_h5ad(path, backed="r") if path.suffix == ".h5ad" else ad.experimental.read_lazy(path)
    sd.tl.annotate(adata, labels="blood")
    sd.io.write_results(adata, path)


def write_store(adata: ad.AnnData, path: Path) -> None:
    """Write cells as h5ad, h5mu, or zarr of the format that the name tells."""
    if path.suffix == ".h5mu":
        md.MuData({"rna": adata}).write(path)
    elif path.suffix == ".h5ad":
        adata.write_h5ad(path)
    else:
        with ad.settings.override(zarr_write_format=2 if path.stem.endswith("v2") else 3):
            adata.write_zarr(path)


def read_store(path: Path) -> ad.AnnData:
    """Read the cells of a store."""
    if path.suffix == ".h5mu":
        return md.read(path)["rna"]
    return ad.read_h5ad(path) if path.suffix == ".h5ad" else ad.read_zarr(path)


def digest(adata: ad.AnnData) -> str:
    """A hash of the expression, names, results and settings of cells."""
    made = blake2b(digest_size=16)
    made.update(adata.X.toarray().tobytes() if hasattr(adata.X, "toarray") else np.asarray(adata.X).tobytes())
    made.update(repr(adata.var_names.tolist()).encode())
    obs = adata.obs[sorted(adata.obs)]
    made.update(obs.astype(str).to_csv(float_format="%.12g").encode())
    for name in sorted(adata.obsm):
        made.update(name.encode() + np.ascontiguousarray(np.asarray(adata.obsm[name])).tobytes())
    made.update(repr(sorted(adata.uns)).encode())
    return made.hexdigest()


def _annotated() -> ad.AnnData:
    cells = sd.datasets.pbmc3k()[::3].copy()
    sd.tl.annotate(cells, labels="blood")
    return cells


def _whole(write: Callable[[Path], None], path: Path, new: Path) -> tuple[str, float]:
    """The digest of a store after a run that is not killed, and the seconds of the run."""
    _copy(path, new)
    start = time.perf_counter()
    _run(lambda: write(new))
    return digest(read_store(new)), time.perf_counter() - start


def _killed(write: Callable[[Path], None], path: Path, copy: Path, new: str, seconds: float) -> list[str]:
    """Names of what is counted after a writer was killed."""
    _copy(path, copy)
    outcome = ["kills"] if _run(lambda: write(copy), seconds) == signal.SIGKILL else []
    try:
        found = digest(read_store(copy))
    except Exception as error:  # noqa: BLE001 - whatever stops a reader, the store is lost
        print(f"{copy.name}: {type(error).__name__}: {error}")
        return [*outcome, "lost"]
    outcome.append("new" if found == new else "old" if found == digest(read_store(path)) else "lost")
    completed = _run(lambda: write(copy)) == 0 and digest(read_store(copy)) == new
    left = list(copy.parent.glob("*unfinished*"))
    return outcome if completed and not left else [*outcome, "wrong"]


def _run(action: Callable[[], Any], kill_after: float | None = None) -> int:
    """The exit status of an action in another process, which is killed after some seconds."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sd.settings.progress = False
            action()
            code = 0
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _copy(path: Path, new: Path) -> None:
    if new.is_dir():
        shutil.rmtree(new)
    shutil.copytree(path, new) if path.is_dir() else shutil.copyfile(path, new)
