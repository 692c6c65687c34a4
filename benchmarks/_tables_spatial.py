"""The table of niches and neighbourhoods in space."""

from __future__ import annotations

from typing import Any

from benchmarks._markdown import figures, number, with_source

SETS = {"osmfish_cortex": "osmFISH, cortex", "cosmx_lung_tumour": "CosMx, lung tumour"}
BASELINES = {
    "linear_mean_expression": "linear, mean",
    "linear_mean_and_spread": "linear, mean and spread",
    "type_composition": "type composition",
    "majority": "majority",
    "untrained": "untrained",
}


def spatial() -> str:
    """The tasks of each set: the model, with questions on interactions of genes, and baselines."""
    rows = []
    for name, tasks in figures("spatial")["sets"].items():
        for task, one in tasks.items():
            further = one["with_interactions"]
            others = [scores(one["baselines"].get(baseline)) for baseline in BASELINES]
            row = [SETS[name], task.replace("_", " "), scores(one["model"])]
            rows.append([*row, scores(further) if isinstance(further, dict) else "no pair on the panel", *others])
    header = ["set", "task", "model", "with interactions", *BASELINES.values()]
    return with_source("spatial", header, rows)


def scores(found: dict[str, Any] | None) -> str:
    """Accuracy and macro-F1, or overlap in percent."""
    if found is None:
        return "–"
    return " / ".join(number(value, 1 if name == "overlap" else 3) for name, value in found.items())


TABLES = {"spatial": spatial}
