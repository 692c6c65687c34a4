"""A measured table as Markdown and JSON: ours next to the paper's numbers, and what was not repeated."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._markdown import table as markdown_table
from benchmarks._paper_measure import Measured
from benchmarks._paper_table import PaperTable, Part
from benchmarks._results import command, machine, versions

#: What every column of the paper is headed by.
THEIRS = "paper (theirs)"
#: A part of the paper that is the mean of the others.
_AVERAGE = "Average"


def write(
    table: PaperTable, parts: Sequence[Part], measured: Measured, folder: Path, settings: Mapping[str, Any]
) -> str:
    """Write ``NAME.md`` and ``NAME.json`` into the folder, and return the Markdown."""
    text = markdown(table, parts, measured, settings)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{table.name}.md").write_text(text, encoding="utf-8")
    content = json.dumps(record(table, parts, measured, settings), indent=1, ensure_ascii=False)
    (folder / f"{table.name}.json").write_text(content + "\n", encoding="utf-8")
    return text


def markdown(table: PaperTable, parts: Sequence[Part], measured: Measured, settings: Mapping[str, Any]) -> str:
    """The table with a row for each part and metric: what was measured here, then the paper's numbers."""
    theirs = table.of_paper()
    ours = list(measured.scores)
    header = ["data set", "metric", "n", *ours, *(f"{name}: {THEIRS}" for name in theirs["rows"])]
    body: list[list[object]] = []
    for part in parts:
        for metric in part.metrics:
            own = [_value(measured.scores[name].get(part.title, {}).get(metric)) for name in ours]
            cited = [row.get(part.title, {}).get(metric, "–") for row in theirs["rows"].values()]
            body.append([part.title, metric, measured.n.get(part.title, "–"), *own, *cited])
    body += _averages(parts, measured, theirs["rows"])
    lines = [
        f"# {table.name}: {table.about}",
        f"Columns '{THEIRS}' are cited from {theirs['source']}; all others were measured here.",
        markdown_table(header, body),
        "This run: " + "; ".join(f"{name}: {_text(value)}" for name, value in settings.items() if value) + ".",
        "## How",
        "\n".join(f"- {one}" for one in table.how),
        "## Not repeated",
        "\n".join(f"- {one}" for one in not_repeated(table, parts, measured)),
    ]
    return "\n\n".join(lines) + "\n"


def not_repeated(table: PaperTable, parts: Sequence[Part], measured: Measured) -> list[str]:
    """What differs from the paper, the parts that were left out, and what failed in this run."""
    left_out = [f"{part.title}: left out by --sets" for part in table.parts if part not in parts]
    return [*measured.failed, *left_out, *table.not_repeated]


def record(table: PaperTable, parts: Sequence[Part], measured: Measured, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same as data, with how it was measured."""
    return {
        "table": table.name,
        "about": table.about,
        "ours": measured.scores,
        "paper (theirs)": table.of_paper(),
        "n": measured.n,
        "how": table.how,
        "not_repeated": not_repeated(table, parts, measured),
        "command": command(),
        "settings": dict(settings),
        "versions": {"python": platform.python_version(), **versions(("sc-duality", "torch", "transformers"))},
        "machine": machine(),
        "date": date.today().isoformat(),
    }


def _averages(parts: Sequence[Part], measured: Measured, rows: dict[str, Any]) -> list[list[object]]:
    """Means over the parts, where the paper has them."""
    if not any(_AVERAGE in row for row in rows.values()):
        return []
    found: list[list[object]] = []
    for metric in parts[0].metrics:
        own = []
        for column in measured.scores.values():
            values = [np.mean(column[part.title][metric]) for part in parts if metric in column.get(part.title, {})]
            own.append(_value([float(np.mean(values))] if len(values) == len(parts) else None))
        cited = [row.get(_AVERAGE, {}).get(metric, "–") for row in rows.values()]
        found.append([_AVERAGE, metric, sum(measured.n.values()), *own, *cited])
    return found


def _text(value: Any) -> str:
    """A setting in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} from {_text(files)}" for name, files in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _value(values: Sequence[float] | None) -> str:
    """Mean, and the standard deviation over seeds."""
    if not values:
        return "–"
    mean = f"{np.mean(values):.4g}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.2g}"
