"""CPU seconds of the first ``tl.annotate`` in a fresh interpreter, and what ``tl.duality`` costs next to it.

Run as a program, it prints both: 400 cells of scanpy's ``pbmc68k_reduced`` with all labels of the embedded model, after
everything has been imported, without stored answers. The ratio is of CPU seconds too, of second calls.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

N_CELLS = 400


def measure(n_cells: int = N_CELLS) -> dict[str, float]:
    """Both figures, in a fresh interpreter."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks._first_call", str(n_cells)],
        env={**os.environ, "SC_DUALITY_CACHE": "0", "SC_DUALITY_PROGRESS": "0", "SC_DUALITY_VERBOSITY": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def cpu_seconds(call: Callable[[], object]) -> float:
    """CPU seconds of a call, over all threads."""
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> None:
    import sklearn.linear_model  # noqa: F401

    import sc_duality as sd
    from sc_duality.models import TransformersModel  # noqa: F401

    cells = sd.datasets.pbmc68k_reduced()[: int(sys.argv[1])].copy()
    first = cpu_seconds(lambda: sd.tl.annotate(cells))
    annotate = cpu_seconds(lambda: sd.tl.annotate(cells))
    duality = cpu_seconds(lambda: sd.tl.duality(cells))
    print(json.dumps({"first_call_cpu_s": round(first, 2), "duality_over_annotate": round(duality / annotate, 2)}))


if __name__ == "__main__":
    main()
