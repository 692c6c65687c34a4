"""Cells that do not fit into memory, and work that is killed.

``python -m benchmarks.scale [--quick]`` ranks the genes of up to a million cells on disk, measuring memory and speed
beside the same in memory, and annotates 20,000 cells in one run and in runs that are killed at random: the result must
be the same, and no answer that was kept may be asked for again. ``--quick`` takes 30,000 and 300 cells, and one kill.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import sc_duality as sd
from benchmarks._report import report
from benchmarks._scale_memory import flat_memory
from benchmarks._scale_resume import annotate, killed_and_resumed

SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer cells")
    parser.add_argument("--folder", type=Path, help="where to write, with room for 10 GB; temporary by default")
    parser.add_argument("--annotate", type=Path, nargs=2, metavar=("CELLS", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    sd.settings.progress = False
    if options.annotate:
        annotate(*options.annotate)
        return

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        memory = flat_memory(Path(name), quick=options.quick)
        n, kills = (300, 1) if options.quick else (20_000, 3)
        resume = killed_and_resumed(Path(name), n, kills=kills, seed=SEED)
    report(
        {"sentences": memory, "resume": resume},
        n=memory["n_cells"][-1],
        seed=SEED,
        packages=("anndata", "h5py", "numba", "numpy", "torch", "zarr"),
    )


if __name__ == "__main__":
    main()
