"""What ``import sc_duality`` costs beside ``import anndata``: wall seconds of fresh interpreters.

Each statement runs in its own process, in turn, so that all see the same state of the machine; the time of an
interpreter that imports nothing is taken off. ``rooms`` also touches every room that takes an AnnData. ``n`` is the
number of interpreters a statement.

    python -m benchmarks.imports [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from benchmarks._report import report

STATEMENTS = {
    "nothing": "pass",
    "anndata": "import anndata",
    "sc_duality": "import anndata, sc_duality",
    "rooms": "import anndata, sc_duality as sd; sd.pp, sd.tl, sd.pl, sd.get, sd.datasets",
}


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 interpreters a statement instead of 15")
    repeats = 3 if parser.parse_args().quick else 15

    for statement in STATEMENTS.values():
        seconds(statement)  # fills the disk cache
    runs = [{name: seconds(statement) for name, statement in STATEMENTS.items()} for _ in range(repeats)]
    medians = {name: statistics.median(run[name] for run in runs) for name in STATEMENTS}
    cost = {name: medians[name] - medians["nothing"] for name in STATEMENTS}
    for name, statement in STATEMENTS.items():
        print(f"{cost[name]:6.2f} s  {statement}")

    results = {
        "anndata_s": round(cost["anndata"], 3),
        "sc_duality_s": round(cost["sc_duality"], 3),
        "beyond_anndata_s": round(cost["sc_duality"] - cost["anndata"], 3),
        "rooms_s": round(cost["rooms"], 3),
    }
    report(results, n=repeats, seed=0, packages=("anndata",))


if __name__ == "__main__":
    main()
