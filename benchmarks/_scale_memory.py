"""Peak memory and speed of cell sentences from stores on disk: the part of ``benchmarks.scale`` without a model.

A store repeats real cells (PBMC3k, raw counts as float32 CSR) under other names and is written block by block, in
chunks of one size. Every measurement runs in a fresh process after a warm-up.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import zarr
from anndata.io import write_elem
from scipy import sparse

import sc_duality as sd
from benchmarks._memory import peak_bytes, reset_peak
from recipes.embedded import real_cells

#: By kind of store: ``pp.cell_sentences`` on a lazy or backed object, or ``io.write_sentences`` into the store.
WAYS = {".zarr": ("lazy", "on disk"), ".h5ad": ("backed", "on disk")}
#: Values of a chunk of a zarr store.
CHUNK = 2**18


class Measured(NamedTuple):
    """Speed and memory of cell sentences of a store."""

    cells_per_s: float
    #: Peak of resident memory in bytes, without the sentences that the process holds at the end.
    peak: int


def repeated_cells() -> ad.AnnData:
    """The real cells that stores repeat: all of PBMC3k if it is there, else the shipped cells."""
    cells = real_cells.pbmc3k() if (real_cells.DATA / "pbmc3k.h5ad").exists() else sd.datasets.pbmc3k()
    cells.X = sparse.csr_matrix(cells.X, dtype=np.float32)
    return cells


def write_store(path: Path, n_cells: int, cells: ad.AnnData | None = None) -> None:
    """Write a zarr or h5ad store of ``n_cells`` cells in anndata's format, block by block."""
    cells = repeated_cells() if cells is None else cells
    group: Any = h5py.File(path, "w") if path.suffix == ".h5ad" else zarr.open_group(path, mode="w", zarr_format=2)
    names = np.array([f"cell{i}" for i in range(n_cells)], dtype=object)
    write_elem(group, "/", ad.AnnData(var=cells.var))
    chunks = {} if path.suffix == ".h5ad" else {"chunks": (CHUNK,)}
    write_elem(group, "obs", pd.DataFrame(index=names), dataset_kwargs=chunks)
    _write_rows(group.require_group("X"), cells.X, n_cells)
    if path.suffix == ".h5ad":
        group.close()
    else:
        zarr.consolidate_metadata(group.store)


def _write_rows(group: Any, X: sparse.csr_matrix, n_cells: int) -> None:
    group.attrs.update(
        {"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": np.array([n_cells, X.shape[1]]).tolist()}
    )
    lengths = np.resize(np.diff(X.indptr), n_cells)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    write_elem(group, "indptr", indptr.astype(X.indptr.dtype if indptr[-1] < 2**31 else np.int64))
    create = group.create_dataset if isinstance(group, h5py.Group) else group.create_array
    parts = {"data": X.data, "indices": X.indices}
    chunks = None if isinstance(group, h5py.Group) else (CHUNK,)
    stored = {name: create(name, shape=(indptr[-1],), dtype=part.dtype, chunks=chunks) for name, part in parts.items()}
    times = max(1, 2**24 // X.nnz)
    for name, part in parts.items():
        for start in range(0, indptr[-1], times * X.nnz):
            block = np.tile(part, times)[: indptr[-1] - start]
            stored[name][start : start + len(block)] = block


def measure(path: Path, way: str) -> Measured:
    """Measure one way on a store in a fresh process."""
    command = [sys.executable, "-m", "benchmarks._scale_memory", str(path), way]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def flat_memory(folder: Path, *, quick: bool = False) -> dict[str, Any]:
    """Measure every way on a small and a large store in ``folder`` (10 GB, 0.3 GB if ``quick``).

    Returns ``cells_per_s`` by way, ``in_memory_cells_per_s``, ``over_in_memory`` (their ratio), and
    ``peak_growth``: the peak of memory of the large store over that of the small one, minus 1.
    """
    few, many = (4_000, 10_000) if quick else (100_000, 1_000_000)
    found: dict[str, Any] = {"n_cells": [few, many], "cells_per_s": {}, "peak_mb": {}, "peak_growth": {}}
    cells = repeated_cells()
    for suffix in (".zarr",) if quick else (".zarr", ".h5ad"):
        paths = [folder / f"{n}{suffix}" for n in (few, many)]
        for path, n in zip(paths, (few, many), strict=True):
            write_store(path, n, cells)
        if suffix == ".zarr":
            in_memory = measure(paths[0], "in memory").cells_per_s
        for way in WAYS[suffix][-1:] if quick else WAYS[suffix]:
            small, large = (measure(path, way) for path in paths)
            name = f"{suffix[1:]}, {way}"
            found["cells_per_s"][name] = round(large.cells_per_s)
            found["peak_mb"][name] = [round(one.peak / 1e6) for one in (small, large)]
            found["peak_growth"][name] = round(large.peak / small.peak - 1, 3)
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    found["in_memory_cells_per_s"] = round(in_memory)
    found["over_in_memory"] = {name: round(speed / in_memory, 2) for name, speed in found["cells_per_s"].items()}
    return found


def _read(path: Path, way: str) -> ad.AnnData:
    if way == "backed":
        return ad.read_h5ad(path, backed="r")
    if way == "lazy":
        return ad.experimental.read_lazy(path)
    return ad.read_zarr(path)


def _ranked(path: Path, way: str) -> Measured:
    sd.settings.progress = False
    sd.pp.cell_sentences(repeated_cells()[:50].copy())  # compiles
    adata = None if way == "on disk" else _read(path, way)
    reset_peak()
    start = time.perf_counter()
    if adata is None:
        sd.io.write_sentences(path)
    else:
        sd.pp.cell_sentences(adata)
    seconds, peak = time.perf_counter() - start, peak_bytes()
    if adata is None:
        return Measured(ad.experimental.read_lazy(path).n_obs / seconds, peak)
    return Measured(adata.n_obs / seconds, peak - sum(values.nbytes for values in adata.obsm.values()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("way")
    options = parser.parse_args()
    print(json.dumps(_ranked(options.path, options.way)._asdict()))
