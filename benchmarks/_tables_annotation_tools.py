"""Tables of annotation as users do it: clusters, evidence, added types."""

from __future__ import annotations

from typing import Any

from benchmarks._markdown import TITLES, figures, number, with_source

TOOLS = {
    "embedded_cells": "by cell",
    "embedded_pooled": "pooled",
    "embedded_voting": "majority voting",
    "celltypist_voting": "CellTypist, majority voting",
    "smollm2_clusters": "SmolLM2-135M, one prompt a cluster",
}


def annotation_tools() -> str:
    """Accuracy by cell and by cluster of each way to annotate that was measured."""
    sets = figures("annotation_tools")["sets"]
    tools = {tool: title for tool, title in TOOLS.items() if any(tool in row for row in sets.values())}
    rows = [
        [
            TITLES[name], f"{row['n']} / {row['n_clusters']}", number(row["ceiling"]),
            *(_cells_and_clusters(row, tool) for tool in tools),
        ]
        for name, row in sets.items()
    ]  # fmt: skip
    return with_source("annotation_tools", ["cells", "n cells / clusters", "ceiling", *tools.values()], rows)


def _cells_and_clusters(row: dict[str, Any], tool: str) -> str:
    """Accuracy by cell and by cluster, where the method was measured."""
    return f"{number(row[tool])} / {number(row['details'][tool]['clusters'])}" if tool in row else "–"


def evidence() -> str:
    """Probabilities of a label without the genes that decided, as a sentence."""
    found = figures("annotation_tools")["evidence"]
    each = [
        f"{TITLES[name]} {number(row['full'])} → {number(row['deleted'])} (random genes {number(row['random'])}; "
        f"{row['named_differential']} of {row['named']} are differentially expressed, {row['ratio']:.1f} × chance)"
        for name, row in found["sets"].items()
    ]
    return f"{'; '.join(each)}."


def new_labels() -> str:
    """Accuracy on types that the model lacks, as a sentence."""
    found = {name: row for name, row in figures("annotation_tools")["new_labels"].items() if "embedded" in row}
    each = [
        f"{name} {number(row['embedded'])} ({number(row['logistic_regression'])}; n = {row['n']})"
        for name, row in found.items()
    ]
    return f"{', '.join(each)}."


def known_labels() -> str:
    """Accuracy on known types with added types, as a sentence."""
    known = figures("annotation_tools")["new_labels"]["known types"]
    each = [
        f"{TITLES[name]} {number(row['before'])} → {number(row['after'])}, {number(row['new_options'])}"
        for name, row in known.items()
    ]
    return f"{'; '.join(each)}."


TABLES = {
    "annotation-tools": annotation_tools,
    "evidence": evidence,
    "new-labels": new_labels,
    "known-labels": known_labels,
}
