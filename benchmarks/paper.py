"""Tables of the three papers: ``python -m benchmarks.paper TABLE … --model MODEL … --folder FOLDER [--data …]``.

Data come from ``sd.datasets``, or from files of the same format (``--data FILE …`` or a folder of them); splits and
metrics are those of the paper, as far as they are known. Any model that ``sd.models.load`` takes is measured, several
as several columns, next to baselines and to the paper's numbers, which are marked as theirs. ``FOLDER/TABLE.md`` and
``FOLDER/TABLE.json`` have the table, how it was measured, and what was not repeated, and why. Finished parts are kept
in FOLDER, and a stopped run resumes. ``--list`` names every table with what it needs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import sc_duality as sd
from benchmarks import (
    _paper_ablation,
    _paper_annotation,
    _paper_c2s,
    _paper_c2s_tasks,
    _paper_generation,
    _paper_missing,
    _paper_puzzles,
    _paper_response,
    _paper_sensitivity,
)
from benchmarks._paper_data import PaperData, local_files, needed_files
from benchmarks._paper_measure import Run, short_name
from benchmarks._paper_report import write
from benchmarks._paper_table import PaperTable, Setting, chosen_parts
from sc_duality.models import LanguageModel

TABLES = {
    table.name: table
    for table in (
        _paper_annotation.TABLE,
        _paper_sensitivity.TABLE,
        _paper_response.TABLE,
        _paper_generation.TABLE,
        _paper_ablation.TABLE,
        *_paper_puzzles.TABLES,
        _paper_c2s_tasks.TABLE,
        *_paper_c2s.TABLES,
        *_paper_missing.TABLES,
    )
}


def listing() -> str:
    """Every table: what it measures, the files that it needs, and what of it can be repeated."""
    lines = []
    for table in TABLES.values():
        lines.append(f"{table.name}: {table.about}")
        if table.missing:
            lines.append(f"  cannot be repeated: {table.missing}")
            continue
        lines.append(f"  parts: {', '.join(dict.fromkeys(part.title for part in table.parts))}")
        for name in table.data:
            for file, row in needed_files(name).iterrows():
                lines.append(f"  needs {name}: {file} ({'here' if row['downloaded'] else row['url']})")
        lines += [f"  only with --data: {table.needs_files}"] if table.needs_files else []
        lines += [f"  not repeated: {reason}" for reason in table.not_repeated]
    return "\n".join(lines)


def load(name: str, engine: Literal["auto", "transformers", "vllm"] | None = None) -> LanguageModel:
    """The model of a column; it is loaded when its first part is measured."""
    return sd.models.load(name, engine=engine)


def run(table: PaperTable, args: argparse.Namespace) -> None:
    """Measure one table and print it."""
    if table.missing:
        raise SystemExit(f"{table.name} cannot be repeated: {table.missing}")
    if table.needs_files and not args.data:
        raise SystemExit(f"{table.name} needs --data: {table.needs_files}")
    parts = chosen_parts(table, args.sets)
    names = list(dict.fromkeys(part.data for part in parts))
    data = PaperData(local_files(args.data, names))
    data.download(names)
    setting = Setting(args.method, args.max_cells, args.max_tokens, args.encoder)
    one = Run(args.folder, data, args.model, partial(load, engine=args.engine), setting, args.seeds)
    measured = one.measure(table, parts)
    if not any(name in measured.scores for name in map(short_name, args.model)):
        raise SystemExit(f"no part of {table.name} could be measured:\n" + "\n".join(measured.failed))
    print(write(table, parts, measured, args.folder, one.settings()))
    print(json.dumps(measured.scores), flush=True)


def options() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("table", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    made.add_argument("--list", action="store_true", help="name every table, what it needs and what is not repeated")
    made.add_argument("--model", nargs="+", help="names, folders, hub repositories or endpoints; a column each")
    made.add_argument("--engine", choices=("auto", "transformers", "vllm"), help="as for sd.models.load")
    made.add_argument("--folder", type=Path, help="where tables and finished parts are written")
    made.add_argument(
        "--data", type=Path, nargs="+", default=[], help="files in the format of the data sets, or a folder"
    )
    made.add_argument("--sets", nargs="+", help="data sets of the table to measure, as sd.datasets names them")
    made.add_argument("--method", choices=("score", "generate", "choose"), help="how labels are read off a model")
    made.add_argument("--max-cells", type=int, help="most test cells; of what, the table says")
    made.add_argument("--max-tokens", type=int, help="longest completion")
    made.add_argument("--encoder", default="medcpt", help="encoder of the names of cell types, for cell-o1-12")
    made.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of sampling; mean ± SD of several")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    made = options()
    args = made.parse_args(arguments)
    if args.list:
        print(listing())
        return
    unknown = [name for name in args.table if name not in TABLES]
    if unknown:
        made.error(f"there is no table {', '.join(unknown)}: choose from {', '.join(TABLES)}")
    missing = [name for name in args.table if TABLES[name].missing]
    if not missing and not (args.table and args.model and args.folder):
        made.error("TABLE, --model and --folder are needed, or --list")
    sd.settings.verbosity = "warning"
    for name in args.table:
        run(TABLES[name], args)


if __name__ == "__main__":
    main()
