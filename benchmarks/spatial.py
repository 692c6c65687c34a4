"""Niches and neighbourhoods in space: ``python -m benchmarks.spatial --folder FOLDER [--seeds …] [--quick]``.

Small gene models that ``tl.train_sft`` trained on stripes of a tissue (``_spatial_trainings``), next to their untrained
start and baselines that read the cells of the same prompts (``_spatial_baselines``), on other stripes with a gap of one
radius between (``_spatial_cells``). osmFISH's cortex has no ligand-receptor pair on its 33 genes; CosMx's tumour has
(``--interactions FILE``, LIANA's ``omni_resource.csv``). The types of CosMx define its niches (``_spatial_niches``), so
that ``type_composition``, which reads true types, has an advantage there. Finished parts are kept in FOLDER.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import sc_duality as sd
from benchmarks._c2s_trainings import untrained
from benchmarks._results import kept, parser, report
from benchmarks._spatial_cells import SETS, SpatialSplit, quick
from benchmarks._spatial_rows import mean_of_seeds, row
from benchmarks._spatial_trainings import QUICK_UPDATES, TASKS, UPDATES, interactions, trained
from sc_duality.models import LanguageModel

#: Training examples that baselines read, and test examples of a task.
SIZES, QUICK_SIZES = (3000, 600), (100, 30)
NO_FILE = "not trained: no file of pairs was passed"
NO_PAIRS = "not trained: no pair of the file has both genes in the vocabulary"


def rows(
    split: SpatialSplit, folder: Path, seed: int, file: Path | None, *, quick_run: bool
) -> dict[str, dict[str, Any]]:
    """The row of every task of a set; with all of them finished no model is needed."""
    pairs = interactions(file, split.genes, split.resource)
    reason = NO_FILE if file is None else None if pairs else NO_PAIRS
    models: dict[str, LanguageModel] = {}
    if not all((folder / f"{name}.json").is_file() for name in TASKS):
        updates = QUICK_UPDATES if quick_run else UPDATES
        model = trained(split, folder, seed, updates=updates)
        folders = {"model": model, "untrained": untrained(model, seed)}
        if pairs:
            folders["with_interactions"] = trained(split, folder, seed, updates=updates, pairs=pairs)
        models = {name: sd.models.load(one) for name, one in folders.items()}
    found = {}
    for name in TASKS:
        sizes = QUICK_SIZES if quick_run else SIZES
        found[name] = kept(folder / f"{name}.json", partial(row, name, split, models, sizes, seed, reason))
        print(name, found[name], flush=True)
    return found


def main() -> None:
    options = parser(__doc__, "shipped cells with made coordinates, a few updates")
    options.add_argument("--folder", type=Path, help="where models and finished parts are kept")
    options.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    options.add_argument("--seeds", type=int, nargs="+", default=[0])
    options.add_argument("--interactions", type=Path, help="omni_resource.csv of LIANA; without it, none are learned")
    args = options.parse_args()
    if args.folder is None and not args.quick:
        options.error("--folder is missing: name a folder for models and finished parts")
    sd.settings.progress = False
    folder = Path(mkdtemp()) if args.quick else args.folder
    sets = {"pbmc3k": quick} if args.quick else {name: SETS[name] for name in args.sets}
    found: dict[str, Any] = {}
    for name, make in sets.items():
        each = []
        for seed in args.seeds:
            out = folder / name / f"seed{seed}"
            out.mkdir(parents=True, exist_ok=True)
            each.append(rows(make(seed), out, seed, args.interactions, quick_run=args.quick))
        found[name] = mean_of_seeds(each)
    report(
        "spatial", {"sets": found}, n=SIZES[1], seed=args.seeds[0], quick=args.quick,
        packages=("torch", "transformers", "trl", "scikit-learn"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
