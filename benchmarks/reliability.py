"""Faults of every kind, and what they cost: ``python -m benchmarks.reliability [--quick]``.

Nothing may be lost, no answer may be wrong, and nothing may crash: the exit status is 1 otherwise.

- ``fuzzed``: completions that every parser reads; ``slowest_s``: longest time of 100,000 characters by one parser.
- ``faults``: of servers that tools query; ``kills``: of trainers and of distillation, which then resume, and of
  writers of stores, which leave the old store or the new one.
- ``storage_cells``: results of every tool through every store, after every change that users make to an AnnData.
- ``objects``: made AnnData that are annotated; ``refused``: of these and of results that are used again, with an error
  of the package.
- ``crashes``: exceptions of parsers, and errors that are not the package's own.
- ``lost``, ``wrong``: answers that are missing in the end, and answers that an undisturbed run does not give.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks._reliability_annotate import annotated_objects
from benchmarks._reliability_endpoints import endpoint_faults
from benchmarks._reliability_fuzz import fuzz
from benchmarks._reliability_kills import kill_trainers
from benchmarks._reliability_storage import storage
from benchmarks._reliability_stores import killed_writers
from benchmarks._results import parser, report

SEED = 0
PACKAGES = ("anndata", "openai", "torch", "transformers", "trl")
#: Figures that every run has; those of several parts are summed.
TOTALS = ("kills", "lost", "wrong", "faults", "fuzzed", "crashes", "storage_cells")
Part = Callable[[bool, Path], dict[str, Any]]


def fuzzed_parsers(quick: bool, folder: Path) -> dict[str, Any]:
    return fuzz(2000 if quick else 1_000_000, SEED, folder)


def failing_servers(quick: bool, folder: Path) -> dict[str, Any]:
    return endpoint_faults(2 if quick else 120, SEED, folder)


def killed_trainers(quick: bool, folder: Path) -> dict[str, Any]:
    return kill_trainers(1 if quick else 20, SEED, folder, quick=quick)


def made_objects(quick: bool, folder: Path) -> dict[str, Any]:
    return annotated_objects(15 if quick else 10_000, SEED, folder, every=1 if quick else 5)


def killed_writers_of_stores(quick: bool, folder: Path) -> dict[str, Any]:
    return killed_writers(folder, 1 if quick else 20, SEED)


def stored_results(quick: bool, folder: Path) -> dict[str, Any]:
    return storage(folder, quick=quick)


#: Parts in this process, the first before torch starts threads, which forked writers lack; and those in another one.
PARTS: tuple[Part, ...] = (killed_writers_of_stores, fuzzed_parsers, failing_servers, stored_results)
ELSEWHERE: tuple[Part, ...] = (killed_trainers, made_objects)


def timed(part: Part, quick: bool) -> dict[str, Any]:
    """What a part finds, with a line about it."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = part(quick, Path(folder))
    print(f"{part.__name__}, {time.perf_counter() - start:.0f} s: {found}", flush=True)
    return found


def main() -> None:
    args = parser(__doc__, "a few of each").parse_args()
    # A quick run takes less time than another process to start: its objects are made here, and a thread waits.
    n_elsewhere = 1 if args.quick else len(ELSEWHERE)
    with ThreadPoolExecutor(1) if args.quick else ProcessPoolExecutor(1, get_context("spawn")) as pool:
        elsewhere = [pool.submit(timed, part, args.quick) for part in ELSEWHERE[:n_elsewhere]]
        every = [timed(part, args.quick) for part in PARTS + ELSEWHERE[n_elsewhere:]]
        every += [future.result() for future in elsewhere]
    figures: Counter[str] = Counter(dict.fromkeys(TOTALS, 0))
    for found in every:
        figures.update(found)
    n = figures["fuzzed"]
    report("reliability", dict(figures), n=n, seed=SEED, quick=args.quick, packages=PACKAGES, model="embedded")
    sys.exit(any(figures[name] for name in ("lost", "wrong", "crashes")))


if __name__ == "__main__":
    main()
