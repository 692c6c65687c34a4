"""Parts of ``benchmarks.gpu``: each figure is written at once, and a finished part is not measured again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks._gpu_device import peak_memory_gib, reset_peak_memory
from benchmarks._gpu_setting import Found, Setting
from benchmarks._gpu_share import Share, time_limit

#: Yields the name and the value of each figure.
Part = Callable[[Setting], Iterator[tuple[str, Any]]]
#: Fraction of its time in which a part measures; the rest is for what has begun.
MEASURING = 0.7


class PartRecord:
    """The figures of a part in a file, which is written as a whole at each change.

    Raises
    ------
    ValueError
        The file is from another card, or from other sizes or versions.
    """

    def __init__(self, file: Path, identity: Mapping[str, Any]) -> None:
        self._file = file
        new = {"setting": dict(identity), "figures": {}, "problem": "not finished", "seconds": 0.0}
        self._content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else new
        before = self._content["setting"]
        other = sorted(name for name in {*before, *identity} if before.get(name) != identity.get(name))
        if other:
            raise ValueError(f"{file} was measured with another {', '.join(other)}: pass another --folder")

    @property
    def figures(self) -> dict[str, Any]:
        """What is measured so far."""
        return dict(self._content["figures"])

    @property
    def problem(self) -> str | None:
        """Why the part is not finished; ``None`` if it is."""
        return self._content["problem"]

    def keep(self, name: str, value: Any) -> None:
        """Write a figure."""
        self._content["figures"][name] = value
        self._write()

    def close(self, seconds: float, problem: str | None) -> None:
        """Write how the part ended."""
        self._content |= {"seconds": round(seconds, 1), "problem": problem}
        self._write()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(self._content, indent=1) + "\n", encoding="utf-8")
        part.replace(self._file)


def measured(name: str, part: Part, setting: Setting, limit_s: float, found: Found) -> PartRecord:
    """The record of a part, which ends after ``limit_s`` seconds at the latest; what it measured until then is kept."""
    record = PartRecord(setting.folder / f"{name}.json", setting.identity())
    if record.problem is None:
        print(f"{name}: measured before", flush=True)
        return record
    start, problem = time.perf_counter(), None
    ready = replace(setting, share=Share(MEASURING * limit_s), found=found)
    try:
        with time_limit(limit_s):
            for figure, value in with_memory(part(ready), setting):
                record.keep(figure, value)
                print(f"{name}.{figure}: {json.dumps(value)}", flush=True)
    except Exception as error:  # noqa: BLE001 (other parts are measured all the same)
        problem = f"{type(error).__name__}: {error}"
        print(f"{name}: {problem}", flush=True)
    record.close(time.perf_counter() - start, problem)
    return record


def with_memory(figures: Iterator[tuple[str, Any]], setting: Setting) -> Iterator[tuple[str, Any]]:
    """The figures, those with fields also with the peak of the memory until there."""
    while True:
        reset_peak_memory(setting.device)
        try:
            name, value = next(figures)
        except StopIteration:
            return
        if isinstance(value, dict):
            value = {**value, "peak_memory_gib": peak_memory_gib(setting.device)}
        yield name, value
