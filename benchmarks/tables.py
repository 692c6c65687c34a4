"""Tables of results in the documents: ``python -m benchmarks.tables [--check]``.

Replaces the text between ``<!-- table: NAME -->`` and ``<!-- end -->`` in RESULTS.md, RESULTS_TASKS.md, the README and
the model cards by the table of that name, made from ``results/*.json``. ``--check`` writes nothing and fails if a
document differs.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    _tables_annotation,
    _tables_annotation_tools,
    _tables_puzzles,
    _tables_response,
    _tables_spatial,
    _tables_speed,
    _tables_tasks,
    _tables_texts,
)

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    ROOT / "benchmarks/RESULTS.md",
    ROOT / "benchmarks/RESULTS_TASKS.md",
    ROOT / "README.md",
    ROOT / "docs/training.md",
    ROOT / "src/sc_duality/models/embedded/README.md",
    ROOT / "src/sc_duality/models/embedded_response/README.md",
)
TABLES: dict[str, Callable[[], str]] = {
    **_tables_annotation.TABLES,
    **_tables_annotation_tools.TABLES,
    **_tables_puzzles.TABLES,
    **_tables_tasks.TABLES,
    **_tables_texts.TABLES,
    **_tables_response.TABLES,
    **_tables_spatial.TABLES,
    **_tables_speed.TABLES,
}
BLOCK = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text: str) -> str:
    """A document with the tables of the current results."""

    def table(block: re.Match[str]) -> str:
        name = block["name"]
        if name not in TABLES:
            raise KeyError(f"There is no table {name!r}; known: {', '.join(TABLES)}.")
        return f"{block[1]}{TABLES[name]()}\n{block[3]}"

    return BLOCK.sub(table, text)


def differing() -> list[Path]:
    """Documents whose tables differ from the results."""
    texts = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
    return [path for path, text in texts.items() if fill(text) != text]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    for path in differing():
        if check:
            print(f"{path.relative_to(ROOT)} differs from benchmarks/results: run python -m benchmarks.tables")
        else:
            path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    sys.exit(1 if check and differing() else 0)


if __name__ == "__main__":
    main()
