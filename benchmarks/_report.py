"""How every benchmark reports: one JSON object as the last line, with what is needed to repeat it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student


def report(results: dict[str, Any], *, n: int, seed: int, packages: tuple[str, ...] = ()) -> None:
    """Print ``results`` with the number of cells, the seed, the machine and the versions of these packages."""
    versions = {"python": platform.python_version(), **{name: _version(name) for name in ("sc-duality", *packages)}}
    print(json.dumps({**results, "n": n, "seed": seed, "machine": _machine(), "versions": versions}), flush=True)


def over_seeds(values: Sequence[float]) -> dict[str, Any]:
    """Mean, and with three seeds or more the 95 % interval of the mean by Student's t."""
    mean, n = float(np.mean(values)), len(values)
    found: dict[str, Any] = {"mean": round(mean, 4), "each": [round(value, 4) for value in values]}
    if n >= 3:
        half = float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
        found["interval"] = [round(mean - half, 4), round(mean + half, 4)]
    return found


def _machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {platform.system()}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
