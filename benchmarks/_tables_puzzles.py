"""Tables of joint annotation: puzzles of each tissue, and the order of training."""

from __future__ import annotations

from typing import Any

from benchmarks._markdown import figures, number, table, with_source


def joint() -> str:
    """Cell and batch accuracy of both models, each cell alone and all cells of a puzzle together."""
    rows = []
    for name, row in figures("cell_o1")["joint"].items():
        seen = f"{name} *" if row["in_training"] else name
        values = [_both(model, metric) for model in (row, row["logistic_regression"]) for metric in ("cell", "batch")]
        rows.append([seen, row["n"], *values])
    header = [
        "alone → together",
        "puzzles",
        "embedded: cell",
        "embedded: batch",
        "regression: cell",
        "regression: batch",
    ]
    return table(header, rows)


def _both(model: dict[str, Any], metric: str) -> str:
    alone, together = (number(model[way][metric], 3) for way in ("independent", "joint"))
    return f"{alone} → {together}"


def order() -> str:
    """Scores of each method, and the difference of batch accuracy to its start."""
    rows = []
    for method, row in figures("cell_o1")["order"].items():
        gain = row.get("batch_gain")
        bounds = (
            "–" if gain is None else f"{gain['mean']:+.3f} ({gain['interval'][0]:+.3f} to {gain['interval'][1]:+.3f})"
        )
        values = [number(row[score]["mean"], 3) for score in ("cell", "batch", "format")]
        rows.append([method, *values, bounds])
    return with_source("cell_o1", ["method", "cell", "batch", "format", "batch, gain over SFT"], rows)


def _gain(gain: dict[str, Any] | None) -> str:
    if gain is None:
        return "–"
    low, high = gain["interval"]
    return f"{gain['mean']:+.3f} ({low:+.3f} to {high:+.3f})"


TABLES = {"joint": joint, "order": order}
