"""Write the biological processes of the Gene Ontology as a GMT file: ``python -m benchmarks._c2s_go_sets FOLDER FILE``.

FOLDER holds the unpacked Debian packages r-bioc-org.hs.eg.db and r-bioc-go.db (``apt-get download PACKAGE``, ``dpkg-deb
-x FILE FOLDER``), whose SQLite files need no R. Gene Ontology: CC BY 4.0.
"""

from __future__ import annotations

import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

#: Genes of a set.
FEWEST, MOST = 10, 300
_GENES = """
SELECT go.go_id, info.symbol FROM go_bp_all AS go JOIN gene_info AS info ON go._id = info._id
"""
_NAMES = "SELECT go_id, term FROM go_term WHERE ontology = 'BP'"


def gene_sets(folder: Path) -> dict[str, list[str]]:
    """Human gene symbols by the name of the process."""
    names = dict(_rows(folder, "GO.sqlite", _NAMES))
    found: dict[str, set[str]] = defaultdict(set)
    for term, symbol in _rows(folder, "org.Hs.eg.sqlite", _GENES):
        if term in names:
            found[names[term]].add(symbol)
    return {name: sorted(genes) for name, genes in sorted(found.items()) if FEWEST <= len(genes) <= MOST}


def _rows(folder: Path, name: str, query: str) -> Iterable[tuple[str, str]]:
    file = next(folder.rglob(name), None)
    if file is None:
        raise SystemExit(f"{folder} holds no {name}: unpack the Debian package that has it there")
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def main() -> None:
    folder, file = map(Path, sys.argv[1:3])
    lines = ["\t".join((name, "", *genes)) for name, genes in gene_sets(folder).items()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(len(lines), "gene sets")


if __name__ == "__main__":
    main()
