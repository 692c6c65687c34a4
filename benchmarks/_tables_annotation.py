"""Tables of annotation: held-out sets, seeds, left-out studies and tissues, panels, clusters."""

from __future__ import annotations

from typing import Any

from benchmarks._markdown import TITLES, figures, interval, number, with_source

BASELINES = {
    "regression_log_normalised": "regression, log-normalised",
    "regression_ranks": "regression, ranks",
    "regression_ranks_augmented": "regression, ranks, augmented",
    "celltypist": "CellTypist's algorithm",
}
ALONE = ("language_model", "reference_classifier")
ALONE_TITLES = ("language model alone", "reference classifier alone")


def mean(values: dict[str, Any], metric: str = "accuracy") -> str:
    """A metric of the embedded model (mean over seeds) or of a baseline."""
    found = values[metric]
    return number(found["mean"] if isinstance(found, dict) else found)


def both(values: dict[str, Any]) -> str:
    """Accuracy and macro-F1."""
    return f"{mean(values)} / {mean(values, 'macro_f1')}"


def embedded() -> str:
    """Accuracy and macro-F1 on the held-out sets."""
    rows = [
        [
            TITLES[name], row["n"], both(row["embedded"]), mean(row["all_types"]),
            *(mean(row[way]) for way in ALONE), *(both(row[baseline]) for baseline in BASELINES),
        ]
        for name, row in figures("embedded")["sets"].items()
    ]  # fmt: skip
    header = ["cells", "n", "embedded", "embedded, all 41 types", *ALONE_TITLES, *BASELINES.values()]
    return with_source("embedded", header, rows)


def embedded_short() -> str:
    """Accuracy on the held-out sets, for the README."""
    regressions = [name for name in BASELINES if name != "celltypist"]
    rows = []
    for name, row in figures("embedded")["sets"].items():
        highest = max((row[each] for each in regressions), key=lambda scores: scores["accuracy"])
        baselines = (row[row["chosen_regression"]], highest, row["celltypist"])
        rows.append([TITLES[name], row["n"], mean(row["embedded"]), *map(mean, baselines)])
    header = [
        "cells", "n", "embedded model", "regression chosen on validation cells", "highest of three regressions",
        "CellTypist's algorithm",
    ]  # fmt: skip
    return with_source("embedded", header, rows)


def validation() -> str:
    """Accuracy of the regressions on validation cells, as a sentence."""
    found = figures("embedded")["validation"]
    names = [name for name in BASELINES if name != "celltypist"]
    tissues = {"pancreas (validation donors)": "muraro", "blood (shipped cells of PBMC3k)": "pbmc_facs_800"}
    each = [f"{title} {', '.join(number(found[name][way]) for way in names)}" for title, name in tissues.items()]
    return f"{'; '.join(each)}."


def embedded_seeds() -> str:
    """Accuracy of three seeds of the first stage on the held-out sets."""
    shipped = figures("embedded")["sets"]
    rows = [
        [TITLES[name], *seeds(row), *(number(shipped[name][each]["accuracy"]) for each in list(BASELINES)[:3])]
        for name, row in figures("embedded_seeds")["sets"].items()
        if row["fold"] == "main"
    ]
    header = ["cells", "mean", "95 % interval", "each", *ALONE_TITLES, *list(BASELINES.values())[:3]]
    return with_source("embedded_seeds", header, rows)


def seeds(row: dict[str, Any]) -> list[str]:
    """Mean, interval and seeds of the embedded model, and its two members alone."""
    accuracy = row["embedded"]["accuracy"]
    each = ", ".join(number(value) for value in accuracy["each"])
    return [number(accuracy["mean"]), interval(accuracy["interval"]), each, *(mean(row[way]) for way in ALONE)]


def left_out_studies() -> str:
    """Accuracy on studies of the pancreas that training left out."""
    found = figures("embedded_seeds")
    rows = []
    for name, row in found["sets"].items():
        if row["fold"] != "main":
            known = found["in_distribution"][name]
            rest = [mean(known, "unknown"), mean(known, "calibration_error")]
            rows.append([TITLES[name], row["n"], *seeds(row), *rest, *(mean(row[each]) for each in BASELINES)])
    header = [
        "left-out study", "n", "mean", "95 % interval", "each", *ALONE_TITLES, "`unknown`", "ECE", *BASELINES.values(),
    ]  # fmt: skip
    return with_source("embedded_seeds", header, rows)


def left_out_tissues() -> str:
    """Share of cells of a left-out tissue that become unknown."""
    rows = []
    for name, row in figures("embedded_seeds")["out_of_distribution"].items():
        unknown = row["unknown"]
        each = ", ".join(number(value) for value in unknown["each"])
        rows.append([TITLES[name], row["n"], number(unknown["mean"]), interval(unknown["interval"]), each])
    return with_source("embedded_seeds", ["left-out tissue", "n", "`unknown`", "95 % interval", "each"], rows)


def left_out_tissues_short() -> str:
    """The same for the README."""
    rows = [
        [TITLES[name], row["n"], f"{row['unknown']['mean']:.0%}"]
        for name, row in figures("embedded_seeds")["out_of_distribution"].items()
        if row["n"] >= 50
    ]
    return with_source("embedded_seeds", ["left-out tissue", "n", "`unknown`"], rows)


def calibration() -> str:
    """Share of unknown and ECE on the held-out sets."""
    rows = [
        [TITLES[name], *(mean(row, each) for each in ("unknown", "calibration_error", "calibration_error_by_chance"))]
        for name, row in figures("embedded")["in_distribution"].items()
    ]
    return with_source("embedded", ["cells", "`unknown`", "ECE", "ECE by chance"], rows)


def panels() -> str:
    """Accuracy on panels of genes, "held-out donors / sorted cells"."""
    found = figures("panels")
    ways = ("embedded", *ALONE, "regression_ranks_augmented", "unknown")
    sets = list(dict.fromkeys(name.rsplit(", ", 1)[0] for name in found))
    sizes = list(dict.fromkeys(name.rsplit(", ", 1)[1] for name in found))
    rows = []
    for size in sizes:
        each = [found[f"{name}, {size}"] for name in sets]
        rows.append([size, *(" / ".join(number(row[way]) for row in each) for way in ways)])
    header = ["panel", "embedded", *ALONE_TITLES, BASELINES["regression_ranks_augmented"], "`unknown`"]
    return with_source("panels", header, rows)


TOOLS = {
    "embedded_cells": "by cell",
    "embedded_pooled": "pooled",
    "embedded_voting": "majority voting",
    "celltypist_voting": "CellTypist, majority voting",
    "smollm2_clusters": "SmolLM2-135M, one prompt a cluster",
}


def annotation_tools() -> str:
    """Accuracy by cell and by cluster of each way to annotate."""
    rows = [
        [
            TITLES[name], f"{row['n']} / {row['n_clusters']}", number(row["ceiling"]),
            *(_cells_and_clusters(row, tool) for tool in TOOLS),
        ]
        for name, row in figures("annotation_tools")["sets"].items()
    ]  # fmt: skip
    return with_source("annotation_tools", ["cells", "n cells / clusters", "ceiling", *TOOLS.values()], rows)


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


def own_model() -> str:
    """Accuracy of a small model by options of its training, next to baselines of the same cells."""
    found = figures("own_model")
    tests = [name for name in TITLES if name in found["baselines"]["regression_ranks"]]
    rows = [
        [name, *(mean_and_interval(row[test]) for test in (*tests, "mean")), number(found["seconds"].get(name), 0)]
        for name, row in found["rows"].items()
    ]
    for name, title in BASELINES.items():
        values = [found["baselines"][name][test] for test in tests]
        rows.append([title, *map(number, (*values, sum(values) / len(values))), "–"])
    header = ["trained with", *(TITLES[test] for test in tests), "mean", "CPU seconds"]
    return with_source("own_model", header, rows)


def own_model_unknown() -> str:
    """Share of unknown of the small model, as a sentence."""
    rows = [
        f"{name}: {', '.join(f'{TITLES.get(other, other)} {mean_and_interval(share)}' for other, share in row.items())}"
        for name, row in figures("own_model")["unknown"].items()
    ]
    return f"{'; '.join(rows)}."


def mean_and_interval(found: dict[str, Any]) -> str:
    """The mean over seeds with its interval."""
    return f"{number(found['mean'])} ({interval(found['interval'])})" if "interval" in found else number(found["mean"])


TABLES = {
    "own-model": own_model,
    "own-model-unknown": own_model_unknown,
    "embedded": embedded,
    "embedded-short": embedded_short,
    "validation": validation,
    "embedded-seeds": embedded_seeds,
    "left-out-studies": left_out_studies,
    "left-out-tissues": left_out_tissues,
    "left-out-tissues-short": left_out_tissues_short,
    "calibration": calibration,
    "panels": panels,
    "annotation-tools": annotation_tools,
    "evidence": evidence,
    "new-labels": new_labels,
    "known-labels": known_labels,
}
