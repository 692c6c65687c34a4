"""What alignment by duality adds: ``python -m benchmarks.ablation --folder FOLDER --start START [--quick]``.

Table 6 of CellDuality on real cells. In each situation every reward starts from the same supervised weights and aligns
on the same cells: ``duality``; ``pseudo-label``, the control, which rewards agreement with the start's own answer; and
``oracle``, the only one that reads labels of the aligned cells, where there is a true answer. Generation starts from
the supervised weights of the embedded model (START: ``python -m recipes.embedded.build --out FOLDER --stage tasks``,
then FOLDER/tasks), annotation from small models that saw few labels. Evaluated cells are of other donors, or of donors
of another study. ``compared``: on 64 of them, how often the task and how often its dual is right before alignment, as
``tl.train_grpo_duality(eval_adatas=)`` reports it. Every run is kept in FOLDER, and a repeated command continues.
Joint annotation and responses: ``benchmarks.cell_o1``, ``benchmarks.response``.
"""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

import sc_duality as sd
from benchmarks import _ablation_annotation, _ablation_generation
from benchmarks._ablation_setting import Setting
from benchmarks._results import kept, over_seeds, parser, report

#: Options of ``tl.train_grpo_duality`` by reward.
REWARDS: dict[str, dict[str, Any]] = {
    "duality": {"reward": "duality"},
    "pseudo-label": {"reward": "pseudo_label"},
    "oracle": {"reward": "ground_truth"},
}
CONTROL = "pseudo-label"


def run(setting: Setting, reward: str | None, seed: int, folder: Path) -> dict[str, Any]:
    """Align once and evaluate; without a reward the start is evaluated."""
    start, found = setting.start(seed), {}
    if reward is None:
        return {"metrics": setting.evaluate(start, seed)}
    options: dict[str, Any] = {**setting.options, **REWARDS[reward]}
    if reward == "duality" and setting.compared is not None:
        options["eval_adatas"] = setting.compared
    model = sd.tl.train_grpo_duality(setting.aligned, start, folder, rng=seed, **options).model
    if "eval_adatas" in options:
        record = json.loads((Path(model) / "training.json").read_text(encoding="utf-8"))
        found["compared"] = next(iter(record["accuracy_before"].values()))
    found["metrics"] = setting.evaluate(model, seed)
    shutil.rmtree(folder)
    return found


def table(setting: Setting, name: str, folder: Path, seeds: list[int]) -> dict[str, Any]:
    """Every reward over seeds, and the gain of duality over the start and over the control."""
    rewards = [reward for reward in REWARDS if setting.has_true_answer or reward != "oracle"]
    runs: dict[str, list[dict[str, Any]]] = {reward: [] for reward in ("SFT", *rewards)}
    for seed in seeds:
        for reward in runs:
            of_run = folder / name / f"{reward}-{seed}"
            make = partial(run, setting, None if reward == "SFT" else reward, seed, of_run)
            runs[reward].append(kept(of_run.with_suffix(".json"), make))
            print(name, reward, seed, runs[reward][-1], flush=True)
    found: dict[str, Any] = {}
    for metric in runs["SFT"][0]["metrics"]:
        each = {reward: np.array([one["metrics"][metric] for one in of]) for reward, of in runs.items()}
        rows: dict[str, Any] = {reward: over_seeds(values.tolist()) for reward, values in each.items()}
        for other in ("SFT", CONTROL):
            rows[f"duality over {other}"] = over_seeds((each["duality"] - each[other]).tolist())
        found[metric] = rows
    compared = [one["compared"] for one in runs["duality"] if "compared" in one]
    return {"metrics": found} | ({"compared": compared} if compared else {})


def settings(folder: Path, start: Path | None, *, quick: bool) -> dict[str, Setting]:
    """The situations by name."""
    if quick:
        return _ablation_annotation.quick(folder)
    found = {f"annotation, {name}": each for name, each in _ablation_annotation.situations(folder / "starts").items()}
    return found if start is None else found | {"generation": _ablation_generation.situation(start)}


def main() -> None:
    options = parser(__doc__, "annotation of shipped cells of PBMC3k, two updates of training and one of alignment")
    options.add_argument("--folder", type=Path, help="folder of the runs; needed without --quick")
    options.add_argument("--start", type=Path, help="supervised weights of the embedded model, for generation")
    options.add_argument("--only", help="situations whose name contains this, for several processes in one folder")
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = options.parse_args()
    if args.folder is None and not args.quick:
        options.error("--folder is missing: name a folder for the runs")
    sd.settings.progress = sd.settings.cache = False
    folder = Path(mkdtemp()) if args.quick else args.folder
    seeds = args.seeds[:1] if args.quick else args.seeds
    chosen = settings(folder, args.start, quick=args.quick)
    figures = {
        name: table(setting, name, folder, seeds)
        for name, setting in chosen.items()
        if args.only is None or args.only in name
    }
    report(
        "ablation",
        {"situations": figures, "seeds": seeds} | ({"data": "shipped cells of PBMC3k"} if args.quick else {}),
        n=len(seeds),
        seed=seeds[0],
        quick=args.quick or args.only is not None,
        packages=("torch", "transformers", "trl"),
        model=args.start,
    )


if __name__ == "__main__":
    main()
