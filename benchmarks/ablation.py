"""Ablation of alignment by duality: ``python -m benchmarks.ablation --folder FOLDER [--fold FOLD] [--quick]``.

Table 6 of CellDuality on real cells and the embedded architecture. Every method starts from the same supervised weights
and is aligned on cells without labels, except for the oracle. The evaluated cells are of other donors, other studies,
or a held-out perturbation. Controls: ``pseudo-label`` rewards agreement with the start's own prediction, ``oracle``
with the true label or a real cell; ``base`` has random weights. FOLD holds weights that response needs (``python -m
recipes.embedded.build --out FOLDER --stage tasks --leave-out 3``). Every run is stored in FOLDER, and a repeated
command continues there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import sc_duality as sd
from benchmarks import _ablation_annotation, _ablation_generation, _ablation_response
from benchmarks import _library as library
from benchmarks._ablation_setting import Setting, random_weights
from benchmarks._results import parser, report


def run(setting: Setting, method: str, seed: int, folder: Path) -> dict[str, Any]:
    """Align once and evaluate; "base" and "SFT" are evaluated without alignment."""
    start = time.perf_counter()
    history: dict[str, list[float]] = {}
    model: Path | str
    if method == "base":
        model = random_weights(setting.start, folder / "model")
    elif method == "SFT":
        model = setting.start
    else:
        options = {"start": setting.start, "max_steps": setting.n_steps, **setting.options, **setting.methods[method]}
        model = options.pop("start")
        if options["max_steps"]:
            trained = align(options, model, folder / "model", setting.batch_size, seed)
            model = trained.model
            kept = [name for name in trained.history if name in ("reward", "kl", "zero_variance", "entropy")]
            history = {name: trained.history[name].round(4).tolist() for name in kept}
    seconds = time.perf_counter() - start
    metrics = setting.evaluate(library.transformers_model(model, dtype="float32"), seed)
    shutil.rmtree(folder / "model", ignore_errors=True)
    return {"metrics": metrics, "seconds": round(seconds, 1), "history": history}


def align(options: dict[str, Any], model: Path | str, out: Path, batch_size: int, seed: int) -> Any:
    """One run of ``tl.train_grpo_duality``."""
    return sd.tl.train_grpo_duality(
        options.pop("adatas"), model, out, generation_batch_size=batch_size, batch_size=batch_size, rng=seed, **options
    )


def settings(folder: Path, fold: Path | None, tasks: list[str], quick: bool) -> Iterator[tuple[str, Setting]]:
    """The settings of the tasks."""
    if quick:
        yield "annotation", _ablation_annotation.quick()
        return
    if "annotation" in tasks:
        yield "annotation", _ablation_annotation.annotation()
    if "generation" in tasks:
        yield "generation", _ablation_generation.generation()
    if "response" in tasks and fold is not None:
        yield "response, interferon", _ablation_response.interferon(fold, folder)
        yield "response, knockdown", _ablation_response.knockdown(fold)


def table(runs: dict[tuple[str, int], dict[str, Any]], seeds: list[int]) -> dict[str, dict[str, dict[str, Any]]]:
    """Means and standard deviations over seeds by set and method, and the share of the gap from SFT to the oracle."""
    methods = list(dict.fromkeys(method for method, _ in runs))
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, metrics in next(iter(runs.values()))["metrics"].items():
        main_metric = next(iter(metrics))

        def values(method: str, metric: str, name: str = name) -> np.ndarray:
            return np.array([runs[method, s]["metrics"][name][metric] for s in seeds if (method, s) in runs])

        for method in methods:
            row: dict[str, Any] = {metric: mean_and_sd(values(method, metric)) for metric in metrics}
            each = {other: values(other, main_metric) for other in (method, "SFT", "oracle")}
            complete = len({len(numbers) for numbers in each.values()}) == 1
            row["gap_closed"] = (
                gap(each[method], each["SFT"], each["oracle"]) if complete and method not in ("base", "SFT") else None
            )
            found.setdefault(name, {})[method] = row
    return found


def mean_and_sd(values: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation."""
    return {"mean": round(float(values.mean()), 4), "sd": round(float(values.std(ddof=len(values) > 1)), 4)}


def gap(method: np.ndarray, sft: np.ndarray, oracle: np.ndarray) -> dict[str, Any] | None:
    """Share of the gap from SFT to the oracle with its 95 % interval; ``None`` where the oracle gains nothing."""
    whole = float((oracle - sft).mean())
    if whole <= 0.005:
        return None
    shares = (method - sft) / whole
    half = float(stats.t.ppf(0.975, len(shares) - 1) * stats.sem(shares)) if len(shares) > 1 else float("nan")
    mean = float(shares.mean())
    return {"share": round(mean, 2), "interval": [round(mean - half, 2), round(mean + half, 2)]}


def methods_of(setting: Setting, args: argparse.Namespace) -> list[str]:
    """The methods to run."""
    if args.quick:
        return ["SFT", "duality, posterior", "oracle"]
    methods = ["base", "SFT", *setting.methods]
    return [name for name in methods if not args.methods or name in {"base", "SFT", "oracle", *args.methods}]


def stored_run(setting: Setting, task: str, method: str, seed: int, folder: Path) -> dict[str, Any]:
    """A run, from its file if that exists."""
    file = folder / task / f"{method}, {setting.n_steps} steps, seed {seed}.json"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(run(setting, method, seed, folder / task / f"{method}-{seed}")))
    return json.loads(file.read_text())


def measure(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Every task, method and seed."""
    seeds, tables = [0] if args.quick else args.seeds, {}
    for task, setting in settings(folder, args.fold, args.tasks, args.quick):
        runs: dict[tuple[str, int], dict[str, Any]] = {}
        for seed in seeds:
            for method in methods_of(setting, args):
                found = runs[method, seed] = stored_run(setting, task, method, seed, folder)
                print(task, method, seed, found["metrics"], found["seconds"], flush=True)
        for name, rows in table(runs, seeds).items():
            tables[f"{task}, {name}"] = rows
    return {"tasks": tables, "seeds": seeds}


def main() -> None:
    options = parser(__doc__, "annotation of shipped cells: three methods, one seed, one update")
    options.add_argument("--folder", type=Path, help="folder of the runs; needed without --quick")
    options.add_argument("--fold", type=Path, help="weights for response that held out its evaluated cells")
    options.add_argument("--tasks", nargs="*", default=["annotation", "generation", "response"])
    options.add_argument("--methods", nargs="*", help="only these, next to base, SFT and oracle")
    options.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    args = options.parse_args()
    if args.folder is None and not args.quick:
        options.error("--folder is missing: name a folder for the runs")
    sd.settings.progress = sd.settings.cache = False
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure(args.folder or Path(temporary), args)
    report(
        "ablation",
        figures | ({"data": "shipped cells of PBMC3k"} if args.quick else {}),
        n=len(figures["seeds"]),
        seed=figures["seeds"][0],
        quick=args.quick,
        packages=("torch", "transformers", "trl"),
        model="embedded",
    )


if __name__ == "__main__":
    main()
