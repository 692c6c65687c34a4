"""Interrupted annotation: runs that are killed, and a record of the computed and cached prompts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from sc_duality.models import TransformersModel


def killed_and_resumed(folder: Path, n: int, *, kills: int, seed: int) -> dict[str, Any]:
    """Annotate ``n`` cells in one run, and again in runs that are killed at random until one completes."""
    write_cells(folder / "cells.h5ad", n)
    start = time.perf_counter()
    _run(folder, "whole").wait()
    seconds = time.perf_counter() - start

    marks = sorted(np.random.default_rng(seed).integers(n // 50, n - n // 50, kills).tolist())
    for mark in marks:
        run = _run(folder, "killed")
        while run.poll() is None and len(_lines(folder / "killed" / "cached.txt")) < mark:
            time.sleep(0.01)
        run.kill()
        run.wait()
    _run(folder, "killed").wait()

    computed, cached = (Counter(_lines(folder / "killed" / f"{name}.txt")) for name in ("computed", "cached"))
    whole = set(_lines(folder / "whole" / "cached.txt"))
    return {
        "cells": n,
        "prompts": len(whole),
        "killed_at": marks,
        "same_result": all(_same(folder, file) for file in ("obs.csv", "probabilities.npy")),
        "cached_prompts_computed_again": cached.total() - len(cached),
        "prompts_computed_twice": computed.total() - len(computed),
        "prompts_missing": len(whole - set(computed)),
        "uninterrupted_s": round(seconds, 1),
    }


def write_cells(path: Path, n: int) -> None:
    """Shipped cells repeated under other names, which change the order of genes of equal counts."""
    cells = sd.datasets.pbmc3k()
    obs = pd.DataFrame(index=[f"cell{i}" for i in range(n)])
    ad.AnnData(cells.X[np.arange(n) % cells.n_obs], obs, cells.var[[]]).write_h5ad(path)


class RecordingModel(TransformersModel):
    """Records every prompt after it is computed, and again after it is cached."""

    folder: Path

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Any]:
        for finished in super()._score(prompts, choices):
            self._record("computed", [prompts[i] for i, _ in finished])
            yield finished
            self._record("cached", [prompts[i] for i, _ in finished])

    def _record(self, name: str, prompts: Sequence[str]) -> None:
        with (self.folder / f"{name}.txt").open("a") as file:
            file.write("".join(f"{prompt}\n" for prompt in prompts))


def annotate(cells: Path, folder: Path) -> None:
    """One run, with its cache in ``folder``."""
    folder.mkdir(exist_ok=True)
    sd.settings.cache_dir, sd.settings.cache, sd.settings.progress = folder / "cache", True, False
    model = RecordingModel(sd.models.resolve("embedded"))
    model.folder = folder
    adata = ad.read_h5ad(cells, backed="r")
    sd.tl.annotate(adata, model)
    adata.obs.to_csv(folder / "obs.csv")
    np.save(folder / "probabilities.npy", adata.obsm["annotation_probabilities"].to_numpy())


def _run(folder: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.scale", "--annotate", str(folder / "cells.h5ad"), str(folder / name)]
    return subprocess.Popen(command, env={**os.environ, "TOKENIZERS_PARALLELISM": "false"})


def _lines(file: Path) -> list[str]:
    """Complete lines; a kill may leave a part of one."""
    return file.read_text().split("\n")[:-1] if file.is_file() else []


def _same(folder: Path, file: str) -> bool:
    one, other = ((folder / name / file) for name in ("whole", "killed"))
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()
