"""Trainers that are killed at random, and whether they resume to what an unbroken run writes.

``python -m benchmarks._reliability_kills FOLDER N SEED QUICK`` does the work: a process with one thread, whose children
start at once with all libraries loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

#: Cells of a run.
N_CELLS = 24
#: Seconds after which a run counts as lost.
LONGEST = 300.0
#: A run is killed so often before it may end.
KILLS_OF_A_RUN = 3
#: What a kill comes before: the operations on files that an audit hook sees.
OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")
#: Columns of histories and summaries that hold durations and costs, which no seed decides.
TIMES = ("seconds", "runtime", "per_second")
Run = Callable[[Path], None]


def kill_trainers(n: int, seed: int, folder: Path, *, quick: bool) -> dict[str, Any]:
    """Kill each trainer ``n`` times at random points, and compare what it writes in the end; ``quick`` leaves out LoRA.

    Returns
    -------
    ``kills``; ``wrong``: files that differ from those of an unbroken run; ``lost``: runs that do not resume.
    """
    command = [sys.executable, "-m", "benchmarks._reliability_kills", str(folder), str(n), str(seed), str(int(quick))]
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "HF_HUB_OFFLINE"), "1")
    done = subprocess.run(command, env=os.environ | one, stdout=subprocess.PIPE, text=True, check=True)
    *lines, last = done.stdout.splitlines()
    print("\n".join(lines))
    found: dict[str, Any] = json.loads(last)
    return found


def trained(folder: Path, *, tool: str, **options: Any) -> None:
    """Train the toy model."""
    import sc_duality as sd
    from benchmarks._toy_model import toy_cells

    tasks = {"annotation": {"truth": "cell_type"}}
    getattr(sd.tl, tool)(
        toy_cells(N_CELLS), folder.parent / "toy", folder / "out", tasks=tasks, learning_rate=1e-3, **options
    )


def distilled(folder: Path) -> None:
    """Distil the toy model block by block, with its answers cached."""
    import sc_duality as sd
    import sc_duality.tl._distill as module
    from benchmarks._toy_model import toy_cells

    module._BLOCK = 8
    sd.settings.cache, sd.settings.cache_dir = True, folder / "cache"
    tasks = {"annotation": {"truth": "cell_type"}}
    path = folder / "out" / "traces.jsonl"
    sd.tl.distill(toy_cells(N_CELLS), folder.parent / "toy", path, tasks=tasks, n_examples=12, threshold=0.0)


RUNS: dict[str, Run] = {
    "train_sft": partial(trained, tool="train_sft", num_train_epochs=1, batch_size=4),
    "train_sft, LoRA": partial(trained, tool="train_sft", num_train_epochs=1, batch_size=4, lora=2),
    "train_grpo_duality": partial(
        trained, tool="train_grpo_duality", max_steps=5, generation_batch_size=8, batch_size=8, num_generations=4
    ),
    "distill": distilled,
}


def killed_and_resumed(name: str, folder: Path, n: int, seed: int) -> dict[str, int]:
    """Kill one trainer ``n`` times."""
    run, rng = RUNS[name], np.random.default_rng([seed, len(name)])
    whole = folder / f"{name} whole"
    start = time.perf_counter()
    status, operations = _child(run, whole, None)
    seconds = time.perf_counter() - start
    assert status == 0, f"{name} fails without a kill"
    expected, found = contents(whole / "out"), {"kills": 0, "wrong": 0, "lost": 0}
    while found["kills"] < n:
        one = folder / f"{name} {found['kills']}"
        points = []
        for _ in range(min(KILLS_OF_A_RUN, n - found["kills"])):
            if rng.random() < 0.7:
                point = int(rng.integers(1, operations))
                status, _ = _child(run, one, point)
                points.append(f"operation {point}")
            else:
                wait = float(rng.uniform(0, seconds))
                status, _ = _child(run, one, None, wait)
                points.append(f"{wait:.2f} s")
            found["kills"] += status == -signal.SIGKILL
            if status != -signal.SIGKILL:
                break
        if status in (0, -signal.SIGKILL):
            status, _ = _child(run, one, None)
        result = contents(one / "out")
        other = sorted(file for file in {*expected, *result} if expected.get(file) != result.get(file))
        found["lost"] += status != 0
        found["wrong"] += status == 0 and bool(other)
        if status or other:
            print(f"{name} killed at {', '.join(points)}: status {status}, other files: {other}")
            print((one / "log.txt").read_text()[-2000:])
    print(f"{name}: {found}, {operations} operations and {seconds:.1f} s unbroken", flush=True)
    return found


def contents(folder: Path) -> dict[str, str]:
    """What the files of a finished run hold, without durations and costs."""
    found = {}
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        name = str(file.relative_to(folder))
        if file.is_dir() or name.startswith("checkpoints"):
            continue
        if file.name == "history.csv":
            table = pd.read_csv(file, float_precision="round_trip")
            text = table[[name for name in table if not name.endswith(TIMES)]].to_csv().encode()
        elif file.name.endswith(".summary.json"):
            text = json.dumps({k: v for k, v in json.loads(file.read_text()).items() if k != "usage"}).encode()
        else:
            text = file.read_bytes()
        found[name] = hashlib.sha256(text).hexdigest()
    return found


def _child(run: Run, folder: Path, operation: int | None, wait: float = LONGEST) -> tuple[int, int]:
    """Run in a child, which is killed before an operation on files or after some seconds.

    Returns its exit status (negative for a signal) and the number of its operations.
    """
    folder.mkdir(exist_ok=True)
    count = folder / "operations.txt"
    process = os.fork()
    if process == 0:
        status = 1
        with (folder / "log.txt").open("a") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            seen = _count_operations(folder, operation)
            with contextlib.suppress(SystemExit):
                try:
                    run(folder)
                    status = 0
                except BaseException:  # noqa: BLE001  (a child must not return)
                    traceback.print_exc()
            count.write_text(str(len(seen)))
            log.flush()
        os._exit(status)
    end = time.monotonic() + wait
    while (ended := os.waitpid(process, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(process, signal.SIGKILL)
            ended = os.waitpid(process, 0)
            break
        time.sleep(0.002)
    status = os.waitstatus_to_exitcode(ended[1])
    return status, int(count.read_text()) if status == 0 else 0


def _count_operations(folder: Path, last: int | None) -> list[str]:
    """Operations on files in ``folder`` from now on; the process is killed before the last one."""
    seen: list[str] = []

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in OPERATIONS and str(args[0]).startswith(str(folder)) and "log.txt" not in str(args[0]):
            if event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)):
                return
            seen.append(event)
            if len(seen) == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return seen


def main() -> None:
    folder, (n, seed, quick) = Path(sys.argv[1]), map(int, sys.argv[2:])
    import torch

    import sc_duality as sd
    import sc_duality.train as train
    from benchmarks._toy_model import save_toy

    torch.set_num_threads(1)
    sd.settings.progress = sd.settings.cache = False
    save_toy(folder / "toy")
    assert all((train.fit, train.align, train.bars))  # loads TRL
    total = {"kills": 0, "wrong": 0, "lost": 0}
    for name in [name for name in RUNS if not (quick and "LoRA" in name)]:
        for figure, value in killed_and_resumed(name, folder, n, seed).items():
            total[figure] += value
    print(json.dumps(total))


if __name__ == "__main__":
    main()
