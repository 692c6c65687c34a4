"""Responses to perturbations: ``python -m benchmarks.response --folder FOLDER [--parts …] [--seeds …] [--quick]``.

``sets``: a small gene model, trained by ``tl.train_sft`` on the gene changes of other groups, predicts the response of
a group whose treated cells are held out, next to baselines (``benchmarks._response_sets``, ``_response_baselines``).
Sentences hold all genes of the panel, as the baselines do. Figures are Pearson correlations of the predicted and the
observed change of mean expression over the panel.
``programs``: what GRPO adds to it in the interferon program, by reward. ``screen``: a library of known effect. Finished
parts are kept in FOLDER, and a stopped run resumes.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._response_baselines import BASELINES, Pair
from benchmarks._response_models import dual_accuracy, trained_model
from benchmarks._response_quick import made_group
from benchmarks._response_scores import ResponseScores
from benchmarks._response_screen import screen
from benchmarks._response_sets import SETS, HeldOutGroup, held_out_group, log_normalised
from benchmarks._results import kept, over_seeds, parser, report
from recipes.embedded import real_cells

#: Predictions of each cell, and changes whose perturbation is read back.
N_SAMPLES, N_DUALS = 4, 60
PARTS = ("sets", "programs", "screen")
N_FOLDS = 5
#: Sets with the first seed only: no method predicts their knockdowns.
ONE_SEED = ("crispri",)


def baseline_scores(held_out: HeldOutGroup) -> dict[str, dict[str, float]]:
    """Scores of the baselines and of the shipped embedded model, which predicts whole cells and has seen these."""
    scores, control = ResponseScores(held_out), log_normalised(held_out.control)
    training = [Pair(log_normalised(group.control), log_normalised(group.treated)) for group in held_out.training]
    found = {name: scores(*baseline(training, control)) for name, baseline in BASELINES.items()}
    whole = sd.tl.perturb(held_out.control, held_out.perturbation, "embedded", form="cell")
    return {
        **found,
        "whole_cell": scores(*in_log1p(whole, held_out)),
        "split_half": scores.ceiling(),
    }


def in_log1p(predicted: Any, held_out: HeldOutGroup) -> tuple[np.ndarray, np.ndarray]:
    """Predicted cells and the mean change, in log1p(counts per 10,000); a cell without a prediction does not change."""
    ok = (predicted.obs["perturbation_status"] == "ok").to_numpy()
    cells = np.where(ok[:, None], predicted.X.toarray() * np.log(10), log_normalised(held_out.control))
    return cells, np.nan_to_num(predicted.var["perturbation_change"].to_numpy()) * np.log(10)


def model_scores(held_out: HeldOutGroup, folder: Path, seed: int, steps: int | None = None) -> dict[str, float]:
    """Scores of a model trained for this group."""
    model = trained_model(held_out, folder, seed, steps)
    sd.pp.cell_sentences(held_out.control, exclude=None)
    sampling = library.Sampling(n_samples=N_SAMPLES)
    treated, control = (
        sd.tl.perturb(held_out.control, perturbation, model, sampling=sampling, rng=seed)
        for perturbation in (held_out.perturbation, real_cells.CONTROL)
    )
    size, size_of_control = (np.abs(cells.var["perturbation_change"]).mean() for cells in (treated, control))
    return {
        **ResponseScores(held_out)(*in_log1p(treated, held_out)),
        "change_under_control": float(size_of_control / size),
        "dual_accuracy": dual_accuracy(held_out, model, N_DUALS, seed),
        "ok": float((treated.obs["perturbation_status"] == "ok").mean()),
    }


def response_sets(folder: Path, seeds: list[int], names: list[str]) -> dict[str, Any]:
    """Every set: means over folds and seeds, each fold, and the gain over the mean shift with its interval."""
    found = {}
    for name in names:
        groups = [held_out_group(name, fold) for fold in range(N_FOLDS)]
        baselines = [kept(folder / f"{name}-{i}.json", lambda g=g: baseline_scores(g)) for i, g in enumerate(groups)]
        models, used = [], seeds[:1] if name in ONE_SEED else seeds
        for fold, group in enumerate(groups):
            each = []
            for seed in used:
                out = folder / f"{name}-{fold}-seed{seed}"
                each.append(kept(out / "scores.json", lambda g=group, o=out, s=seed: model_scores(g, o, s)))
                print(name, group.name, seed, each[-1], flush=True)
            models.append({key: float(np.nanmean([one[key] for one in each])) for key in each[0]})
        found[name] = {**set_table([group.name for group in groups], models, baselines), "n_seeds": len(used)}
    return found


def set_table(groups: list[str], models: list[dict[str, float]], baselines: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over folds; ``model`` next to the baselines."""
    each = [{"model": model, **others} for model, others in zip(models, baselines, strict=True)]
    methods = list(each[0])

    def mean(method: str, metric: str) -> float | None:
        values = [one[method].get(metric, np.nan) for one in each]
        return None if np.isnan(values).all() else round(float(np.nanmean(values)), 4)

    return {
        **{method: mean(method, "pearson") for method in methods if method != "split_half"},
        "ceiling": mean("split_half", "ceiling"),
        "gain": over_seeds([one["model"]["pearson"] - one["mean_shift"]["pearson"] for one in each]),
        "change_under_control": mean("model", "change_under_control"),
        "dual_accuracy": mean("model", "dual_accuracy"),
        "scfid": {method: mean(method, "scFID") for method in methods},
        "mmd": {method: mean(method, "MMD") for method in methods},
        "folds": {
            name: {
                method: None if np.isnan(one[method].get("pearson", np.nan)) else round(one[method]["pearson"], 3)
                for method in methods
                if method != "split_half"
            }
            for name, one in zip(groups, each, strict=True)
        },
    }


def main() -> None:
    options = parser(__doc__, "one group of shipped cells with a made perturbation, 4 updates")
    options.add_argument("--folder", type=Path, help="where models and finished parts are kept")
    options.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--program-seeds", type=int, nargs="+", default=[0], help="seeds of the part programs")
    args = options.parse_args()
    if args.folder is None and not args.quick:
        options.error("--folder is missing: name a folder for models and finished parts")
    sd.settings.progress = False
    figures: dict[str, Any] = {"sets": {}, "programs": {}, "screen": {}}
    if args.quick:
        group = made_group()
        scores = model_scores(group, Path(mkdtemp()), 0, steps=4)
        figures["sets"]["made perturbation"] = set_table([group.name], [scores], [baseline_scores(group)])
    else:
        if "sets" in args.parts:
            figures["sets"] = response_sets(args.folder, args.seeds, args.sets)
        if "programs" in args.parts:
            from benchmarks._response_programs import Start, program_data, programs

            folds = {fold: program_data(held_out_group("kang", fold)) for fold in range(1, N_FOLDS)}
            starts = [
                Start(args.folder / f"kang-{f}-seed{s}" / "model", f, s) for f in folds for s in args.program_seeds
            ]
            figures["programs"] = programs(starts, folds, args.folder / "programs")
        if "screen" in args.parts:
            figures["screen"] = kept(args.folder / "screen.json", lambda: screen(args.folder / "screen"))
    report(
        "response", figures, n=N_SAMPLES, seed=args.seeds[0], quick=args.quick,
        packages=("POT", "scikit-learn", "torch", "transformers", "trl"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
