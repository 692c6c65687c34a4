"""Stores larger than memory, and interrupted annotation: ``python -m benchmarks.scale [--folder FOLDER] [--quick]``.

Cell sentences of up to a million cells on disk, with peak memory and speed next to the same in memory; and annotation
of 20,000 cells in one run and in runs that are killed at random: the results must be equal, and no cached prompt may be
computed again.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import sc_duality as sd
from benchmarks._results import parser, report
from benchmarks._scale_memory import flat_memory
from benchmarks._scale_resume import annotate, killed_and_resumed

SEED = 0


def main() -> None:
    made = parser(__doc__, "10,000 cells on disk; 60 cells and one kill")
    made.add_argument("--folder", type=Path, help="folder for 10 GB of stores; temporary by default")
    made.add_argument("--annotate", type=Path, nargs=2, metavar=("CELLS", "OUT"), help=argparse.SUPPRESS)
    options = made.parse_args()
    sd.settings.progress = False
    if options.annotate:
        annotate(*options.annotate)
        return

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        memory = flat_memory(Path(name), quick=options.quick)
        n, kills = (60, 1) if options.quick else (20_000, 3)
        resume = killed_and_resumed(Path(name), n, kills=kills, seed=SEED)
    report(
        "scale",
        {"sentences": memory, "resume": resume},
        n=memory["n_cells"][-1],
        seed=SEED,
        quick=options.quick,
        packages=("anndata", "h5py", "numba", "numpy", "torch", "zarr"),
        model="embedded",
    )


if __name__ == "__main__":
    main()
