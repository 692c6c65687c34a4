"""How benchmarks report: figures as the last line, and in a full run also as ``results/NAME.json``."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

RESULTS = Path(__file__).parent / "results"


def parser(description: str | None, quick: str) -> argparse.ArgumentParser:
    """The command line of a benchmark; ``quick`` says what ``--quick`` measures."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help=f"writes nothing; {quick}")
    return made


def kept(file: Path, make: Callable[[], Any]) -> Any:
    """What ``make`` returns; read from the file where it was made before."""
    if not file.is_file():
        result = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(result), encoding="utf-8")
        part.replace(file)
    return json.loads(file.read_text(encoding="utf-8"))


def report(
    name: str,
    figures: dict[str, Any],
    *,
    n: int,
    seed: int,
    quick: bool,
    packages: Sequence[str] = (),
    model: str | Path | None = None,
) -> None:
    """Write ``results/NAME.json`` unless ``quick``, and print the figures as the last line.

    Parameters
    ----------
    name
        Name of the result.
    figures
        What was measured.
    n, seed
        Number of cells (or of repeats) and seed.
    quick
        Whether this is a run with ``--quick``, which writes no file.
    packages
        Packages whose versions matter besides sc-duality.
    model
        The model that was measured; ``None`` where no weights matter.
    """
    if not quick:
        record = {
            "figures": figures,
            "command": command(),
            "n": n,
            "seed": seed,
            "versions": {"python": platform.python_version(), **versions(("sc-duality", *packages))},
            "machine": machine(),
            "date": date.today().isoformat(),
            "weights": None if model is None else weights(model),
        }
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures), flush=True)


def command() -> str:
    """The command line, with FOLDER for every path."""
    module = Path(sys.argv[0]).stem
    options = ["FOLDER" if "/" in option else option for option in sys.argv[1:]]
    return " ".join(["python -m", f"benchmarks.{module}", *options])


def weights(model: str | Path = "embedded") -> dict[str, str]:
    """Package version and SHA-256 (first 16 digits) of the weights of a model in a folder."""
    from sc_duality.models import resolve

    file = Path(resolve(model).source) / "model.safetensors"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""
    name = "embedded" if str(model) == "embedded" else "other"
    return {"model": name, "version": version("sc-duality"), "fingerprint": digest}


def over_seeds(values: Sequence[float]) -> dict[str, Any]:
    """Mean, and the 95 % interval of the mean by Student's t for three values or more."""
    mean, n = float(np.mean(values)), len(values)
    found: dict[str, Any] = {"mean": round(mean, 4), "each": [round(value, 4) for value in values]}
    if n >= 3:
        half = float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
        found["interval"] = [round(mean - half, 4), round(mean + half, 4)]
    return found


def machine() -> str:
    """Processor and number of cores."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "")
    amx = " with AMX" if "amx_bf16" in flags else ""
    return f"{models[0] if models else platform.processor()}{amx}, {os.cpu_count()} cores, {platform.system()}"


def versions(packages: Sequence[str]) -> dict[str, str | None]:
    """Installed versions, ``None`` where a package is missing."""
    found: dict[str, str | None] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
