"""Tables of annotation: held-out sets, seeds, left-out studies and tissues, panels, a model of your own."""

from __future__ import annotations

from typing import Any

from benchmarks._markdown import TITLES, figures, interval, number, with_source

BASELINES = {
    "regression_log_normalised": "regression, log-normalised",
    "regression_ranks": "regression, ranks",
    "regression_ranks_augmented": "regression, ranks, augmented",
    "neighbours_pca": "nearest neighbours in PCA",
    "celltypist": "CellTypist's algorithm",
}
REGRESSIONS = list(BASELINES)[:3]
ALONE = ("language_model", "reference_classifier")
ALONE_TITLES = ("language model alone", "reference classifier alone")


def mean(values: dict[str, Any] | None, metric: str = "accuracy") -> str:
    """A metric of the embedded model (mean over seeds) or of a baseline, and a dash where it was not measured."""
    found = (values or {}).get(metric)
    return number(found["mean"] if isinstance(found, dict) else found)


def both(values: dict[str, Any]) -> str:
    """Accuracy and macro-F1."""
    return f"{mean(values)} / {mean(values, 'macro_f1')}"


def embedded() -> str:
    """Accuracy and macro-F1 on the held-out sets."""
    found = figures("embedded")
    rows = [
        [
            TITLES[name], row["n"], both(row), mean(row["ways"]["all_types"]),
            *(mean(row["ways"][way]) for way in ALONE), *(both(row["baselines"][baseline]) for baseline in BASELINES),
        ]
        for name, row in found["sets"].items()
    ]  # fmt: skip
    header = ["cells", "n", "embedded", f"embedded, all {found['n_types']} types", *ALONE_TITLES, *BASELINES.values()]
    return with_source("embedded", header, rows)


def embedded_short() -> str:
    """Accuracy on the held-out sets, for the README."""
    rows = []
    for name, row in figures("embedded")["sets"].items():
        highest = max(scores["accuracy"] for scores in row["baselines"].values())
        rows.append([TITLES[name], row["n"], *map(number, (row["accuracy"], row["baseline"], highest))])
    header = [
        "cells", "n", "embedded model", "baseline chosen on validation cells", "highest of the five baselines",
    ]  # fmt: skip
    return with_source("embedded", header, rows)


def validation() -> str:
    """Accuracy of the baselines on validation cells, and the chosen one, as a sentence."""
    found = figures("embedded")
    tissues = {"pancreas": "pancreas (validation donors)", "blood": "blood (shipped cells of PBMC3k)"}
    each = []
    for tissue, title in tissues.items():
        accuracy = found["validation"][tissue]
        each.append(f"{title}: {'; '.join(f'{BASELINES[name]} {number(accuracy[name])}' for name in BASELINES)}")
    return f"{'. '.join(each)}. Chosen: {BASELINES[found['baseline']]}."


def embedded_seeds() -> str:
    """Accuracy of three seeds on the held-out sets."""
    rows = [
        [TITLES[name], *seeds(row), *(mean(row["baselines"][each]) for each in REGRESSIONS)]
        for name, row in figures("embedded_seeds")["sets"].items()
    ]
    header = ["cells", "mean", "95 % interval", "each", *ALONE_TITLES, *(BASELINES[name] for name in REGRESSIONS)]
    return with_source("embedded_seeds", header, rows)


def seeds(row: dict[str, Any]) -> list[str]:
    """Mean, interval and seeds of the embedded model, and its two members alone."""
    ways = row["ways"]
    accuracy = ways["embedded"]["accuracy"]
    each = ", ".join(number(value) for value in accuracy["each"])
    return [number(accuracy["mean"]), interval(accuracy["interval"]), each, *(mean(ways[way]) for way in ALONE)]


def left_out_studies() -> str:
    """Accuracy on studies of the pancreas that training left out."""
    rows = []
    for name, row in figures("embedded_left_out")["sets"].items():
        rest = [mean(row, "unknown"), mean(row, "calibration_error")]
        baselines = [mean(row["baselines"].get(each)) for each in BASELINES]
        rows.append([TITLES[name], row["n"], *seeds(row), *rest, *baselines])
    header = [
        "left-out study", "n", "mean", "95 % interval", "each", *ALONE_TITLES, "`unknown`", "ECE", *BASELINES.values(),
    ]  # fmt: skip
    return with_source("embedded_left_out", header, rows)


def left_out_tissues() -> str:
    """Share of cells of a left-out tissue that become unknown."""
    rows = []
    for name, row in figures("embedded_left_out")["out_of_distribution"].items():
        unknown = row["unknown"]
        each = ", ".join(number(value) for value in unknown["each"])
        rows.append([TITLES[name], row["n"], number(unknown["mean"]), interval(unknown["interval"]), each])
    return with_source("embedded_left_out", ["left-out tissue", "n", "`unknown`", "95 % interval", "each"], rows)


def left_out_tissues_short() -> str:
    """The same for the README."""
    rows = [
        [TITLES[name], row["n"], f"{row['unknown']['mean']:.0%}"]
        for name, row in figures("embedded_left_out")["out_of_distribution"].items()
        if row["n"] >= 50
    ]
    return with_source("embedded_left_out", ["left-out tissue", "n", "`unknown`"], rows)


def calibration() -> str:
    """Share of unknown and ECE on the held-out sets."""
    rows = [
        [TITLES[name], *(mean(row, each) for each in ("unknown", "calibration_error", "calibration_error_by_chance"))]
        for name, row in figures("embedded")["sets"].items()
    ]
    return with_source("embedded", ["cells", "`unknown`", "ECE", "ECE by chance"], rows)


def lookalikes() -> str:
    """Share of cells of types that the model lacks that become unknown, as a sentence."""
    each = []
    for name, row in figures("embedded")["lookalikes"].items():
        called = f", others mostly {row['called']}" if row["called"] else ""
        each.append(f"{TITLES[name]} {number(row['unknown'])} (n = {row['n']}{called})")
    return f"`unknown` of types that the model lacks: {'; '.join(each)}."


def panels() -> str:
    """Accuracy on panels of genes, "held-out donors / sorted cells"."""
    found = figures("panels")
    ways = ("embedded", *ALONE, "regression_ranks_augmented", "unknown", "labelled")
    sets = list(dict.fromkeys(name.rsplit(", ", 1)[0] for name in found))
    sizes = list(dict.fromkeys(name.rsplit(", ", 1)[1] for name in found))
    rows = []
    for size in sizes:
        each = [found[f"{name}, {size}"] for name in sets]
        rows.append([size, *(" / ".join(number(row[way]) for row in each) for way in ways)])
    header = ["panel", "embedded", *ALONE_TITLES, BASELINES["regression_ranks_augmented"], "`unknown`", "labelled"]
    return with_source("panels", header, rows)


def own_model() -> str:
    """Accuracy of a small model by options of its training, next to baselines of the same cells."""
    found = figures("own_model")
    tests = [name for name in TITLES if name in found["baselines"]["regression_ranks"]]
    rows = [
        [name, *(mean_and_interval(row[test]) for test in (*tests, "mean")), number(found["seconds"].get(name), 0)]
        for name, row in found["rows"].items()
    ]
    for name, of_baseline in found["baselines"].items():
        values = [of_baseline[test] for test in tests]
        rows.append([BASELINES[name], *map(number, (*values, sum(values) / len(values))), "–"])
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
    "lookalikes": lookalikes,
    "panels": panels,
}
