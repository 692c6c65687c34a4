"""What duality is worth: ``python -m benchmarks.ablation --folder FOLDER [--quick]``.

CellDuality's table 6 in small, on real cells and the embedded architecture. Every method starts from the same
supervised weights and is aligned on cells without their labels (but for the oracle, which reads them); what is judged
are cells of other donors, of other studies, or of a perturbation that was left out. "pseudo-label" rewards what the
model would have answered anyhow: duality has to beat it to have been worth anything. The base has random weights.

Every run is written to the folder as it ends, so that a benchmark that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import sc_duality as sd
from benchmarks import _ablation_tasks
from benchmarks._ablation_tasks import Setting, random_weights
from benchmarks._report import report


def run(setting: Setting, method: str, seed: int, folder: Path) -> dict[str, Any]:
    """Align once and judge; or judge what there was before."""
    start = time.perf_counter()
    history: dict[str, list[float]] = {}
    model: Path | str
    if method == "base":
        model = random_weights(setting.start, folder / "model")
    elif method == "SFT":
        model = setting.start
    else:
        given = {"start": setting.start, "steps": setting.steps, **setting.align, **setting.methods[method]}
        model = given.pop("start")
        if given["steps"]:
            trained = sd.tl.train_grpo_duality(
                given.pop("adatas"), model, folder / "model", rollout=setting.answers, batch_size=setting.answers,
                rng=seed, **given,
            )  # fmt: skip
            model = trained.model
            kept = [name for name in trained.history if name in ("reward", "kl", "zero_variance", "entropy")]
            history = {name: trained.history[name].round(4).tolist() for name in kept}
    seconds = time.perf_counter() - start
    judged = setting.judge(sd.models.TransformersModel(sd.models.resolve(model), dtype="float32"), seed)
    shutil.rmtree(folder / "model", ignore_errors=True)
    return {"judged": judged, "seconds": round(seconds, 1), "history": history}


def settings(folder: Path, fold: Path | None, tasks: list[str], quick: bool) -> Iterator[tuple[str, Setting]]:
    """Each task with what it needs, made when it is its turn."""
    if quick:
        yield "annotation", _ablation_tasks.annotation(steps=2)
        return
    if "annotation" in tasks:
        yield "annotation", _ablation_tasks.annotation()
    if "generation" in tasks:
        yield "generation", _ablation_tasks.generation()
    if "response" in tasks and fold is not None:
        yield "response, Kang", _ablation_tasks.interferon(fold, folder)
        yield "response, CRISPRi", _ablation_tasks.knockdown(fold)


def table(runs: dict[tuple[str, int], dict[str, Any]], seeds: list[int]) -> dict[str, dict[str, dict[str, Any]]]:
    """Means and standard deviations over seeds by set and method, and the share of the gap from SFT to the oracle."""
    methods = list(dict.fromkeys(method for method, _ in runs))
    sets = next(iter(runs.values()))["judged"]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, numbers in sets.items():
        first = next(iter(numbers))

        def of(method: str, what: str, name: str = name) -> np.ndarray:
            return np.array([runs[method, s]["judged"][name][what] for s in seeds if (method, s) in runs])

        for method in methods:
            row: dict[str, Any] = {}
            for what in numbers:
                values = of(method, what)
                row[what] = {
                    "mean": round(float(values.mean()), 4),
                    "sd": round(float(values.std(ddof=len(values) > 1)), 4),
                }
            row |= {"mean": row[first]["mean"], "sd": row[first]["sd"], "gap_closed": None}
            if len(of(method, first)) == len(of("oracle", first)) == len(of("SFT", first)) and method not in (
                "base",
                "SFT",
            ):
                row["gap_closed"] = gap(of(method, first), of("SFT", first), of("oracle", first))
            found.setdefault(name, {})[method] = row
    return found


def gap(method: np.ndarray, sft: np.ndarray, oracle: np.ndarray) -> dict[str, Any] | None:
    """Share of the way from SFT to the oracle, with its 95 % interval; none where the oracle gained nothing."""
    whole = float((oracle - sft).mean())
    if whole <= 0.005:
        return None
    shares = (method - sft) / whole
    half = float(stats.t.ppf(0.975, len(shares) - 1) * stats.sem(shares)) if len(shares) > 1 else float("nan")
    mean = float(shares.mean())
    return {"share": round(mean, 2), "interval": [round(mean - half, 2), round(mean + half, 2)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where every run is kept as it ends")
    parser.add_argument("--quick", action="store_true", help="annotation alone: three methods, one seed, two steps")
    parser.add_argument("--fold", type=Path, help="weights that never saw what response is judged on: build_embedded")
    parser.add_argument("--tasks", nargs="*", default=["annotation", "generation", "response"])
    parser.add_argument("--methods", nargs="*", help="these alone, beside base, SFT and oracle")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    args = parser.parse_args()
    sd.settings.progress = sd.settings.cache = False
    seeds = [0] if args.quick else args.seeds
    tables: dict[str, Any] = {}
    for task, setting in settings(args.folder, args.fold, args.tasks, args.quick):
        methods = ["base", "SFT", *setting.methods]
        if args.quick:
            methods = ["SFT", "duality, posterior", "oracle"]
        if args.methods:
            methods = [name for name in methods if name in {"base", "SFT", "oracle", *args.methods}]
        runs: dict[tuple[str, int], dict[str, Any]] = {}
        for seed in seeds:
            for method in methods:
                file = args.folder / task / f"{method}, {setting.steps} steps, seed {seed}.json"
                if not file.is_file():
                    file.parent.mkdir(parents=True, exist_ok=True)
                    found = run(setting, method, seed, args.folder / task / f"{method}-{seed}")
                    file.write_text(json.dumps(found))
                runs[method, seed] = json.loads(file.read_text())
                print(task, method, seed, runs[method, seed]["judged"], runs[method, seed]["seconds"], flush=True)
        for name, rows in table(runs, seeds).items():
            tables[f"{task}, {name}"] = rows
    report({"tasks": tables, "seeds": seeds}, n=len(seeds), seed=seeds[0], packages=("torch", "transformers", "trl"))


if __name__ == "__main__":
    main()
