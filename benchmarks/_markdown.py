"""Markdown of results: tables, numbers, and the line that says how a table was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from benchmarks._results import RESULTS

#: Titles of sets of cells.
TITLES = {
    "held_out_donors": "pancreas, held-out donors TUM_13 and HPAP040",
    "muraro": "pancreas, Muraro 2016 (CEL-seq2)",
    "tritschler": "pancreas, Tritschler 2022",
    "pbmc68k_reduced": "blood, PBMC 68k (765 genes, coarse labels)",
    "pbmc_facs_800": "blood, sorted cells",
    "immune_tumour": "tumours, immune cells (another study)",
    "lymphoid_organs": "lymphoid organs, held-out donors",
    "tumour cell, colon": "tumour cells of the colon (genes of metabolism)",
    "tumour cell, lung": "tumour cells of the lung (960 genes)",
    "plasmacytoid dendritic cell": "plasmacytoid dendritic cells of tumours",
    "gamma-delta T cell": "gamma-delta T cells of tumours",
    "CD34-positive progenitor cell": "CD34-positive progenitors of PBMC 68k",
    "without_muraro": "Muraro 2016",
    "without_tritschler": "Tritschler 2022",
    "without_fasolino": "Fasolino 2022",
    "without_tosti": "Tosti 2021 (the only nuclei)",
    "retina, left out of muraro": "retina",
    "heart_0, left out of tritschler": "heart, nuclei",
    "heart_1, left out of tritschler": "heart, sinoatrial node",
    "lung, left out of fasolino": "lung",
    "pbmc3k, left out of tosti": "blood, megakaryocytes of PBMC3k",
    "kang, left out of tosti": "blood, megakaryocytes of Kang 2018",
}


def result(name: str) -> dict[str, Any]:
    """The content of ``results/NAME.json``."""
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return content


def figures(name: str) -> dict[str, Any]:
    """The figures of a result."""
    found: dict[str, Any] = result(name)["figures"]
    return found


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def source(name: str) -> str:
    """How a result was measured: command, seed, number of cells, date, machine, weights."""
    found = result(name)
    weights = found["weights"]
    parts = [
        f"`{found['command']}`",
        f"seed {found['seed']}",
        f"n = {found['n']:,}",
        found["date"],
        found["machine"],
        *([f"weights {weights['version']}"] if weights else []),
    ]
    return "; ".join(parts) + "."


def with_source(name: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table and how it was measured."""
    return f"{table(header, rows)}\n\n{source(name)}"


def number(value: float | None, digits: int = 3) -> str:
    """A rounded number, and a dash for a missing one."""
    return "–" if value is None else f"{value:,.{digits}f}"


def whole(value: float | None) -> str:
    """A whole number with thousands separators."""
    return number(value, 0)


def interval(values: Sequence[float], digits: int = 3) -> str:
    """The bounds of an interval."""
    return f"{values[0]:.{digits}f} to {values[1]:.{digits}f}"
