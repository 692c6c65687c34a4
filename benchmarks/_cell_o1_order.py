"""The order of Cell-o1 in small: a model trained from random weights on puzzles, by SFT and then by GRPO.

Zero-shot (random weights), SFT, and GRPO by the batch reward (configuration A of figure 5), without SFT before it (B),
by the mean of batch and cell accuracy (D), by duality, which reads no label, and by pseudo-labels, its control. SFT on
single cells comes before SFT on puzzles, and is the decomposed setting of table 11. Every method is tested on the same
puzzles of donors and studies that no method was trained on (table 3). The model has two layers and one token for each
gene and each label, and reads no text: it shows how the steps of training compare, not what a large model knows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._cell_o1_cells import Cells, pancreas_and_heart, save_start, shipped_blood
from benchmarks._cell_o1_puzzles import SCORES, cell_scores, interval, joint_scores, puzzles
from sc_duality.rewards import format_reward, joint_annotation_reward
from sc_duality.tasks import TrainingExample

#: SFT on puzzles; on single cells before it; and on puzzles with their dual task, which gives the verifier of duality.
SFT, CELLS, DUAL = "SFT", "cell-level SFT", "SFT with dual"


class Size(NamedTuple):
    """How much is trained and tested."""

    #: Cells of a puzzle.
    n_cells: int = 3
    width: int = 64
    layers: int = 2
    #: Examples for each training cell in SFT on single cells, on puzzles, and on puzzles with their dual.
    epochs: tuple[float, float, float] = (2, 1.5, 1)
    #: Updates of GRPO.
    n_steps: int = 200
    #: Completions of an update.
    batch_size: int = 128
    #: Puzzles of each test set.
    n_test: int = 300


def mean_reward(completions: Sequence[Any], question: Sequence[Any], **_columns: Any) -> list[float | None]:
    """Mean of batch and cell accuracy."""
    return joint_annotation_reward(completions, question, with_cells=True)


BY_DUALITY = ["duality", format_reward]
#: Options of ``tl.train_grpo_duality`` by method; ``start`` is what the policy starts from, SFT by default.
GRPO: dict[str, dict[str, Any]] = {
    "SFT, GRPO (batch reward)": {"reward": joint_annotation_reward},
    "SFT, GRPO (mean reward)": {"reward": mean_reward},
    "SFT, GRPO (duality)": {"reward": BY_DUALITY},
    "SFT, GRPO (pseudo-label)": {"reward": ["pseudo_label", format_reward]},
    "GRPO without SFT": {"reward": joint_annotation_reward, "start": "start"},
}


def order(
    quick: bool, seeds: Sequence[int] = (0, 1, 2), *, folder: Path, methods: Sequence[str] | None = None
) -> dict[str, Any]:
    """Scores of every method with intervals over puzzles, and differences to SFT.

    Runs are stored in ``folder``; a repeated call continues there.
    """
    size = Size(3, 32, 1, (1, 1, 1), 2, 16, 20) if quick else Size()
    cells = shipped_blood() if quick else pancreas_and_heart()
    chosen = ["zero-shot", CELLS, SFT, *GRPO] if methods is None else methods
    found: dict[str, list[dict[str, NDArray[np.float64]]]] = {}
    for seed in seeds:
        for method in chosen:
            for name, scores in stored(folder, method, seed, cells, size).items():
                found.setdefault(name, []).append(scores)
    return table({name: runs for name, runs in found.items() if len(runs) == len(seeds)})


def stored(folder: Path, method: str, seed: int, cells: Cells, size: Size) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Scores of the puzzles of each test set by method, from the file of the run if that exists."""
    file = folder / f"seed {seed}" / f"{method}.json"
    if not file.is_file():
        started = time.perf_counter()
        start = file.parent / "start"
        if not start.exists():
            save_start(start, cells, size.n_cells, width=size.width, layers=size.layers, seed=seed)
        scores = run(file.parent, method, seed, cells, size)
        seconds = round(time.perf_counter() - started, 1)
        file.write_text(json.dumps({"seconds": seconds, "scores": scores}))
        print(seed, method, f"{seconds:.0f} s", {k: _means(v) for k, v in scores.items()}, flush=True)
    read = json.loads(file.read_text())["scores"]
    return {name: {test: np.array(values) for test, values in tests.items()} for name, tests in read.items()}


def run(folder: Path, method: str, seed: int, cells: Cells, size: Size) -> dict[str, dict[str, list[list[float]]]]:
    """Train by one method and test it; a model of single cells gives the scores of two methods."""
    start = folder / "start"
    trained = {"zero-shot": lambda: start}.get(method, lambda: train(folder, method, seed, cells, size))()
    model = library.transformers_model(trained, dtype="float32")
    tests: dict[str, list[TrainingExample]] = {
        name: puzzles(part, start, size.n_test, size.n_cells, 0) for name, part in cells.test.items()
    }
    if method != CELLS:
        return {method: {name: joint_scores(model, one).tolist() for name, one in tests.items()}}
    return {
        f"{CELLS}, {how}": {name: cell_scores(model, one, jointly=jointly).tolist() for name, one in tests.items()}
        for how, jointly in (("each cell", False), ("joint assignment", True))
    }


def train(folder: Path, method: str, seed: int, cells: Cells, size: Size) -> Path:
    """The folder of the model after SFT or GRPO; what it starts from is trained first."""
    puzzle = {"truth": "cell_type", "groupby": ["donor"], "n_cells": size.n_cells}
    if method == CELLS:
        return sft(folder, method, "start", cells, {"annotation": {"truth": "cell_type"}}, size.epochs[0], seed)
    before = {SFT: CELLS, DUAL: CELLS}.get(method) or GRPO[method].get("start", SFT)
    if before != "start":
        train(folder, before, seed, cells, size)
    if method in (SFT, DUAL):
        task = {**puzzle, "hidden_fraction": float(method == DUAL)}
        epochs = size.epochs[1 if method == SFT else 2]
        return sft(folder, method, before, cells, {"joint_annotation": task}, epochs, seed)
    options = {name: value for name, value in GRPO[method].items() if name != "start"}
    if options["reward"] == BY_DUALITY:
        verifier = library.transformers_model(train(folder, DUAL, seed, cells, size), dtype="float32")
        options["duality"] = sd.Duality(verifier=verifier)
    how = {"max_steps": size.n_steps, "learning_rate": 5e-4, "beta": 0.0, "num_generations": 8, **options}
    return sd.tl.train_grpo_duality(
        cells.train,
        folder / before,
        folder / method,
        tasks={"joint_annotation": puzzle},
        generation_batch_size=size.batch_size,
        batch_size=size.batch_size,
        rng=seed,
        **how,
    ).model


def sft(
    folder: Path, method: str, before: str, cells: Cells, tasks: dict[str, dict[str, Any]], epochs: float, seed: int
) -> Path:
    """The folder of the model after SFT; a run that has finished is not repeated."""
    return sd.tl.train_sft(
        cells.train,
        folder / before,
        folder / method,
        tasks=tasks,
        held_out=0.0,
        augment=False,
        num_train_epochs=epochs,
        batch_size=64,
        learning_rate=3e-3,
        warmup_steps=50,
        weight_decay=0.0,
        adam_beta2=0.98,
        rng=seed,
    ).model


def table(found: dict[str, list[dict[str, NDArray[np.float64]]]]) -> dict[str, Any]:
    """Scores by method: over all held-out donors, and each test set; with differences of batch accuracy to SFT."""
    rows: dict[str, Any] = {}
    for method, runs in found.items():
        tests = _with_donors(runs)
        rows[method] = {**_row(tests.pop("held-out donors")), "tests": {name: _row(one) for name, one in tests.items()}}
        if SFT in found and method != SFT:
            start = _with_donors(found[SFT])
            for name, one in _with_donors(runs).items():
                gain = (one - start[name])[:, :, SCORES.index("batch")].mean(0)
                row = rows[method] if name == "held-out donors" else rows[method]["tests"][name]
                row["batch_gain"] = {"mean": round(float(gain.mean()), 4), "interval": interval(gain)}
    return rows


def _with_donors(runs: Sequence[dict[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    """Scores (seeds, puzzles, 4) of each test set, and of all those of the studies of training together."""
    tests = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    donors = [values for name, values in tests.items() if "studies" not in name]
    return {"held-out donors": np.concatenate(donors, axis=1), **tests}


def _row(values: NDArray[np.float64]) -> dict[str, Any]:
    """Mean, interval over puzzles and mean of each seed of every score."""
    return {
        name: {
            "mean": round(float(values[..., i].mean()), 4),
            "interval": interval(values[..., i].mean(0)),
            "each": values[..., i].mean(1).round(4).tolist(),
        }
        for i, name in enumerate(SCORES)
    } | {"n": values.shape[1]}


def _means(tests: dict[str, list[list[float]]]) -> dict[str, list[float]]:
    return {name: np.mean(values, axis=0).round(3).tolist() for name, values in tests.items()}
