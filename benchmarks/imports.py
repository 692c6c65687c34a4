"""Import time next to ``import anndata``: ``python -m benchmarks.imports [--quick]``.

Wall seconds of fresh interpreters, one statement each, in turns; the time of an interpreter without imports is
subtracted. ``subpackages`` also accesses every subpackage that takes an AnnData. ``n`` is the number of interpreters
for each statement.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks._results import parser, report

STATEMENTS = {
    "nothing": "pass",
    "anndata": "import anndata",
    "sc_duality": "import anndata, sc_duality",
    "subpackages": "import anndata, sc_duality as sd; sd.pp, sd.tl, sd.pl, sd.get, sd.datasets",
}


def seconds(statement: str) -> float:
    """Wall seconds of an interpreter."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    args = parser(__doc__, "3 interpreters for each statement").parse_args()
    repeats = 3 if args.quick else 15

    for statement in STATEMENTS.values():
        seconds(statement)  # fills the disk cache
    runs = [{name: seconds(statement) for name, statement in STATEMENTS.items()} for _ in range(repeats)]
    medians = {name: statistics.median(run[name] for run in runs) for name in STATEMENTS}
    cost = {name: medians[name] - medians["nothing"] for name in STATEMENTS}
    figures = {
        "anndata_s": round(cost["anndata"], 3),
        "sc_duality_s": round(cost["sc_duality"], 3),
        "beyond_anndata_s": round(cost["sc_duality"] - cost["anndata"], 3),
        "subpackages_s": round(cost["subpackages"], 3),
    }
    report("imports", figures, n=repeats, seed=0, quick=args.quick, packages=("anndata",))


if __name__ == "__main__":
    main()
