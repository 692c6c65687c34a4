"""Traces, which are texts of a teacher that were accepted: as JSON lines, and a summary beside them."""

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
from ._lesson import Row

#: What may become of a candidate besides the ways in which it cannot be read (:class:`sc_duality.tasks.Reason`).
ACCEPTED, WRONG, BELOW, NOT_ANSWERED = "accepted", "wrong label", "below threshold", "not answered"
#: Counted besides: candidates that are in the file.
_KEPT = "kept"

#: How many candidates, by task, side and what became of them.
Counts = Counter[tuple[str, str, str]]


class Distilled(NamedTuple):
    """What a teacher gave."""

    #: The accepted traces, for ``train_sft(traces=...)``.
    traces: Path
    #: Candidates by task and side: how many there were, were accepted, were kept, and were rejected by reason.
    counts: pd.DataFrame
    #: Requests, tokens and, where the price is known, dollars of all calls together; empty if the teacher does not say.
    usage: dict[str, float]


class Trace(NamedTuple):
    """A prompt and all that a teacher wrote to it, which was accepted; takes the place of a lesson."""

    task: str
    #: ``"primal"`` or ``"dual"``.
    side: str
    #: The words of the prompt.
    prompt_format: str
    prompt_format_version: int
    prompt: str
    answer: str
    score: float

    def rows(self) -> list[Row]:
        """What a model learns by heart."""
        return [Row(self.prompt, self.answer)]

    def contrast(self) -> list[Row]:
        """Nothing: there are no wrong answers to tell this one from."""
        return []


def read_traces(path: str | Path, spec: ModelSpec) -> list[Trace]:
    """Traces out of a file, for a model that is asked in the same words as the teacher was.

    Raises
    ------
    ValueError
        If the file holds something else, nothing, or traces in another prompt format.
    """
    prompt_format = PromptFormat(spec.prompt_format)
    found = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        try:
            fields = json.loads(line)
            trace = Trace(**{name: fields[name] for name in Trace._fields})
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"line {number} of {path} is no trace: pass a file that sd.tl.distill wrote") from None
        own = prompt_format.name, prompt_format.version
        if (trace.prompt_format, trace.prompt_format_version) != own:
            raise ValueError(
                f"{path} has prompts in {trace.prompt_format!r}, version {trace.prompt_format_version}, and the model "
                f"{spec.name!r} reads {prompt_format.name!r}, version {prompt_format.version}: "
                "distil with a teacher that is asked in the same words"
            )
        found.append(trace)
    if not found:
        raise ValueError(f"{path} holds no traces: no candidate was accepted")
    return found


class TraceFile:
    """A file of traces that grows by blocks of questions; a block is there as a whole or not at all.

    Parameters
    ----------
    path
        The file, and beside it ``<path>.summary.json``. They may hold an earlier, unfinished part of the same.
    asked
        All that decides what is asked and accepted.

    Raises
    ------
    FileExistsError
        If the file holds something else.
    """

    def __init__(self, path: str | Path, asked: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.usage: Counter[str] = Counter()
        self._summary = self.path.with_name(f"{self.path.name}.summary.json")
        self._asked = json.loads(json.dumps(asked, default=str))
        self._blocks: dict[int, Counts] = {}
        if self.path.exists():
            self._go_on()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write_summary()  # first: a file of traces without one is taken for somebody else's
        self.path.touch()

    def is_done(self, block: int) -> bool:
        """Whether every candidate of this block was answered."""
        return block in self._blocks and not _unanswered(self._blocks[block])

    def add(self, block: int, traces: Sequence[Trace], counts: Counts, usage: Mapping[str, float]) -> None:
        """Keep what came out of a block, in the place of what came out of it before."""
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
        """Count what the teacher cost."""
        self.usage.update(usage)
        self._write_summary()

    def table(self) -> pd.DataFrame:
        """Counts of all blocks together, one row a task and side."""
        total = sum(self._blocks.values(), Counts())
        table = pd.Series(total, dtype=int).rename_axis(["task", "side", None]).unstack(fill_value=0)
        candidates = table.drop(columns=_KEPT, errors="ignore").sum(axis=1)
        first = {name: table.get(name, 0) for name in (ACCEPTED, _KEPT)}
        rest = table.drop(columns=list(first), errors="ignore")
        return pd.DataFrame({"candidates": candidates, **first}).join(rest[rest.sum().sort_values()[::-1].index])

    def _go_on(self) -> None:
        """Take over the blocks that are there; a line that was not finished goes."""
        if not self._summary.is_file():
            raise FileExistsError(f"{self.path} exists and is no file that sd.tl.distill wrote: pass another name")
        before = json.loads(self._summary.read_text(encoding="utf-8"))
        names = sorted({*before["asked"], *self._asked})
        other = [name for name in names if before["asked"].get(name) != self._asked.get(name)]
        if other:
            raise FileExistsError(
                f"{self.path} holds traces that were asked for with other settings ({', '.join(other)}): pass another "
                "name, or the same settings to go on with it"
            )
        self.usage.update(before["usage"])
        self._blocks = {
            int(block): Counter({(task, side, what): n for task, side, what, n in counts})
            for block, counts in before["blocks"].items()
        }
        lines = self._lines()
        whole = [line for line in lines if line.endswith("\n") and _block(line) in self._blocks]
        if len(whole) < len(lines):
            _replace(self.path, whole)

    def _lines(self) -> list[str]:
        with self.path.open(encoding="utf-8", newline="\n") as file:
            return list(file)

    def _write_summary(self) -> None:
        table = self.table() if self._blocks else pd.DataFrame()
        content = {
            "asked": self._asked,
            "counts": {" ".join(name): row.to_dict() for name, row in table.iterrows()},
            "usage": dict(self.usage),
            "blocks": {block: [[*key, n] for key, n in counts.items()] for block, counts in self._blocks.items()},
        }
        _replace(self._summary, [json.dumps(content, indent=1) + "\n"])


def _unanswered(counts: Counts) -> int:
    return sum(n for (_, _, what), n in counts.items() if what == NOT_ANSWERED)


def _block(line: str) -> int:
    return int(json.loads(line)["block"])


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Write a file as a whole, or leave the one that is there."""
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
