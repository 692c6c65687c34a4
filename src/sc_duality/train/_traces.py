"""Traces: accepted completions of a teacher, as JSON lines with a summary file."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..models import ModelSpec
from ..tasks import PromptFormat

#: Outcomes of a candidate, next to the reasons why it cannot be read (:class:`sc_duality.tasks.Reason`).
ACCEPTED, WRONG, BELOW, NOT_ANSWERED = "accepted", "wrong label", "below threshold", "not answered"
#: Counted too: candidates in the file.
_KEPT = "kept"

#: Number of candidates by task, side and outcome.
Counts = Counter[tuple[str, str, str]]


class Distilled(NamedTuple):
    """Result of a distillation."""

    #: The accepted traces, for ``train_sft(traces=...)``.
    traces: Path
    #: Candidates by task and side: all, accepted, kept, and rejected by reason.
    counts: pd.DataFrame
    #: Requests, tokens and, where the price is known, dollars of all calls; empty if the teacher does not count.
    usage: dict[str, float]


class Trace(NamedTuple):
    """A prompt and the accepted completion of a teacher; SFT takes it like a training example."""

    task: str
    #: ``"primal"`` or ``"dual"``.
    side: str
    #: Prompt format of the prompt.
    prompt_format: str
    prompt_format_version: int
    prompt: str
    completion: str
    score: float

    def identity(self) -> tuple[Any, ...]:
        """What tells this trace from others."""
        return tuple(self)

    def texts(self) -> list[tuple[str, str]]:
        """The prompt with its completion."""
        return [(self.prompt, self.completion)]

    def contrast_texts(self) -> list[tuple[str, str]]:
        """None: a trace has no wrong answers."""
        return []


def read_traces(path: str | Path, spec: ModelSpec) -> list[Trace]:
    """Read traces from a file, for a model with the prompt format of the teacher.

    Raises
    ------
    ValueError
        The file holds something else, nothing, or traces in another prompt format.
    """
    prompt_format = PromptFormat(spec.prompt_format)
    found = []
    # Not splitlines: a completion may hold other ends of lines.
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines if lines[-1] else lines[:-1], 1):
        try:
            fields = json.loads(line)
            trace = Trace(**{name: fields[name] for name in Trace._fields})
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"line {number} of {path} is not a trace: pass a file that sd.tl.distill wrote") from None
        own = prompt_format.name, prompt_format.version
        if (trace.prompt_format, trace.prompt_format_version) != own:
            raise ValueError(
                f"{path} has prompts in {trace.prompt_format!r}, version {trace.prompt_format_version}, and the model "
                f"{spec.name!r} reads {prompt_format.name!r}, version {prompt_format.version}: "
                "distill with a teacher of the same prompt format"
            )
        found.append(trace)
    if not found:
        raise ValueError(f"{path} holds no traces: no candidate was accepted")
    return found


class TraceFile:
    """A file of traces that grows block by block; a block is written as a whole or not at all.

    Parameters
    ----------
    path
        The file, next to ``<path>.summary.json``. They may hold an unfinished part of the same distillation.
    settings
        Everything that decides which candidates are sampled and accepted.

    Raises
    ------
    FileExistsError
        The file holds something else.
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.usage: Counter[str] = Counter()
        self._summary = self.path.with_name(f"{self.path.name}.summary.json")
        self._settings = json.loads(json.dumps(settings, default=str))
        self._blocks: dict[int, Counts] = {}
        if self.path.exists():
            self._resume()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write_summary()  # first: a file of traces without a summary is refused
        self.path.touch()

    def is_done(self, block: int) -> bool:
        """Whether every candidate of this block has an answer."""
        return block in self._blocks and not _unanswered(self._blocks[block])

    def add(self, block: int, traces: Sequence[Trace], counts: Counts, usage: Mapping[str, float]) -> None:
        """Write the result of a block, in place of an earlier one."""
        lines = [json.dumps({**trace._asdict(), "block": block}, ensure_ascii=False) + "\n" for trace in traces]
        if block in self._blocks:
            _replace(self.path, [*(line for line in self._lines() if _block(line) != block), *lines])
        else:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
        kept = Counter((trace.task, trace.side, _KEPT) for trace in traces)
        self._blocks[block] = counts + kept
        self.spend(usage)

    def spend(self, usage: Mapping[str, float]) -> None:
        """Add to the usage of the teacher."""
        self.usage.update(usage)
        self._write_summary()

    def table(self) -> pd.DataFrame:
        """Counts over all blocks, one row a task and side."""
        total = sum(self._blocks.values(), Counts())
        table = pd.Series(total, dtype=int).rename_axis(["task", "side", None]).unstack(fill_value=0)
        candidates = table.drop(columns=_KEPT, errors="ignore").sum(axis=1)
        first = {name: table.get(name, 0) for name in (ACCEPTED, _KEPT)}
        rest = table.drop(columns=list(first), errors="ignore")
        return pd.DataFrame({"candidates": candidates, **first}).join(rest[rest.sum().sort_values()[::-1].index])

    def _resume(self) -> None:
        """Take over finished blocks and drop an unfinished line, which may end within a character."""
        if not self._summary.is_file():
            raise FileExistsError(f"{self.path} exists and was not written by sd.tl.distill: pass another name")
        before = json.loads(self._summary.read_text(encoding="utf-8"))
        names = sorted({*before["settings"], *self._settings})
        changed = [name for name in names if before["settings"].get(name) != self._settings.get(name)]
        if changed:
            raise FileExistsError(
                f"{self.path} holds traces of other settings ({', '.join(changed)}): pass another "
                "name, or the same settings to resume it"
            )
        self.usage.update(before["usage"])
        self._blocks = {
            int(block): Counter({(task, side, outcome): n for task, side, outcome, n in counts})
            for block, counts in before["blocks"].items()
        }
        lines = self._lines()
        whole = [line for line in lines if line.endswith("\n") and _block(line) in self._blocks]
        if len(whole) < len(lines):
            _replace(self.path, whole)

    def _lines(self) -> list[str]:
        with self.path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            return list(file)

    def _write_summary(self) -> None:
        table = self.table() if self._blocks else pd.DataFrame()
        content = {
            "settings": self._settings,
            "counts": {" ".join(name): row.to_dict() for name, row in table.iterrows()},
            "usage": dict(self.usage),
            "blocks": {block: [[*key, n] for key, n in counts.items()] for block, counts in self._blocks.items()},
        }
        _replace(self._summary, [json.dumps(content, indent=1) + "\n"])


def _unanswered(counts: Counts) -> int:
    return sum(n for (_, _, outcome), n in counts.items() if outcome == NOT_ANSWERED)


def _block(line: str) -> int:
    return int(json.loads(line)["block"])


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Write a file as a whole, or leave the old one."""
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
