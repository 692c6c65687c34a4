"""Annotation that is killed and goes on: the run that may be killed, and the account of what was asked."""

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
    """Annotate ``n`` cells in one run, and again in runs that are killed at random until one comes through."""
    write_cells(folder / "cells.h5ad", n)
    start = time.perf_counter()
    _run(folder, "whole").wait()
    seconds = time.perf_counter() - start

    marks = sorted(np.random.default_rng(seed).integers(n // 50, n - n // 50, kills).tolist())
    for mark in marks:
        run = _run(folder, "killed")
        while run.poll() is None and len(_lines(folder / "killed" / "kept.txt")) < mark:
            time.sleep(0.01)
        run.kill()
        run.wait()
    _run(folder, "killed").wait()

    answered, kept = (Counter(_lines(folder / "killed" / f"{what}.txt")) for what in ("answered", "kept"))
    whole = set(_lines(folder / "whole" / "kept.txt"))
    return {
        "cells": n,
        "questions": len(whole),
        "killed_at": marks,
        "same_result": all(_same(folder, file) for file in ("obs.csv", "probabilities.npy")),
        "kept_answers_asked_again": kept.total() - len(kept),
        "answers_lost_in_flight": answered.total() - len(answered),
        "never_asked": len(whole - set(answered)),
        "uninterrupted_s": round(seconds, 1),
    }


def write_cells(path: Path, n: int) -> None:
    """Shipped real cells, repeated under other names, by which genes of equal count stand in another order."""
    cells = sd.datasets.pbmc3k()
    obs = pd.DataFrame(index=[f"cell{i}" for i in range(n)])
    ad.AnnData(cells.X[np.arange(n) % cells.n_obs], obs, cells.var[[]]).write_h5ad(path)


class Noting(TransformersModel):
    """Writes down every question that it has answered, and, when it is asked on, that the answer was kept."""

    folder: Path

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Any]:
        for finished in super()._score(prompts, choices):
            self._note_down("answered", [prompts[i] for i, _ in finished])
            yield finished
            self._note_down("kept", [prompts[i] for i, _ in finished])

    def _note_down(self, what: str, prompts: Sequence[str]) -> None:
        with (self.folder / f"{what}.txt").open("a") as file:
            file.write("".join(f"{prompt}\n" for prompt in prompts))


def annotate(cells: Path, folder: Path) -> None:
    """The run: what a user would do, with answers kept under ``folder``."""
    folder.mkdir(exist_ok=True)
    sd.settings.cache_dir, sd.settings.cache, sd.settings.progress = folder / "cache", True, False
    model = Noting(sd.models.resolve("embedded"))
    model.folder = folder
    adata = ad.read_h5ad(cells, backed="r")
    sd.tl.annotate(adata, model)
    adata.obs.to_csv(folder / "obs.csv")
    np.save(folder / "probabilities.npy", adata.obsm["annotation_probabilities"].to_numpy())


def _run(folder: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.scale", "--annotate", str(folder / "cells.h5ad"), str(folder / name)]
    return subprocess.Popen(command, env={**os.environ, "TOKENIZERS_PARALLELISM": "false"})


def _lines(file: Path) -> list[str]:
    """Whole lines: a kill may leave a part of one."""
    return file.read_text().split("\n")[:-1] if file.is_file() else []


def _same(folder: Path, file: str) -> bool:
    one, other = ((folder / name / file) for name in ("whole", "killed"))
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()
