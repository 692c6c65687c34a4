"""Tables of the duality score, generation, embeddings, the tasks of C2S-Scale and alignment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks._markdown import TITLES, figures, number, with_source

METHODS = ("SFT", "duality", "pseudo-label", "oracle")
SETS = ("held_out_donors", "muraro", "tritschler", "pbmc68k_reduced", "pbmc_facs_800")


def duality_forms() -> str:
    """Both AUROCs of the forms of the duality score, by set."""
    sets = figures("duality_score")["sets"]
    validation = [name for name in sets if name.startswith("validation: ")]
    names = [*SETS, *validation]
    forms = [form for form in sets[SETS[0]]["correct_vs_wrong"] if not form.endswith("0.6")]
    titles = [TITLES[name] for name in SETS] + [name.replace("validation: ", "validation, ") for name in validation]

    def aurocs(name: str, form: str) -> str:
        return " / ".join(number(sets[name][which].get(form), 2) for which in ("true_vs_wrong", "correct_vs_wrong"))

    rows = [[form, *(aurocs(name, form) for name in names)] for form in forms]
    return with_source("duality_score", ["form", *titles], rows)


def duality_seeds() -> str:
    """The probability combined with the duality score, of several models."""
    found = figures("duality_score_seeds")
    rows = []
    for name in SETS:
        row = found["gain"][name]
        each = [results[name] for results in found["seeds"]]
        wrong = ", ".join(str(one["n"]["wrong_predictions"]) for one in each)
        true = ", ".join(number(one["true_vs_wrong"][found["default"]], 2) for one in each)
        values = [", ".join(number(value) for value in row[column]["each"]) for column in ("probability", "combined")]
        rows.append([TITLES[name], each[0]["n"]["cells"], wrong, true, *values, number(row["gain"]["mean"])])
    header = ["cells", "n", "wrong predictions", "true against wrong labels", "probability", "combined", "mean gain"]
    return with_source("duality_score_seeds", header, rows)


def generation() -> str:
    """Generated cells against real cells."""
    metrics = {"type fidelity": 3, "kNN 3": 3, "kNN 10": 3, "scFID": 2, "MMD": 3, "diversity": 2, "distinct genes": 0}
    rows = [
        [f"{tissue}: {method}", *(number(row[metric], digits) for metric, digits in metrics.items())]
        for tissue in ("blood", "pancreas")
        for method, row in figures("generation")[tissue].items()
        if method != "n"
    ]
    return with_source("generation", ["cells", *metrics], rows)


def generation_short() -> str:
    """The same for the model card."""
    metrics = {"type fidelity": 3, "kNN 10": 3, "scFID": 2, "diversity": 2}
    rows = [
        [f"{tissue}: {method}", *(number(row[metric], digits) for metric, digits in metrics.items())]
        for tissue in ("blood", "pancreas")
        for method, row in figures("generation")[tissue].items()
        if method != "n"
    ]
    return with_source("generation", ["cells", *metrics], rows)


def embedding() -> str:
    """FOSCTTM and linear probe of embeddings, by tissue."""
    tissues = figures("embedding")["tissues"]
    methods = list(next(iter(tissues.values()))["foscttm"])
    rows = [
        [method, *(f"{number(one['foscttm'][method])} / {number(one['probe'][method])}" for one in tissues.values())]
        for method in methods
    ]
    return with_source("embedding", ["FOSCTTM / probe", *tissues], rows)


def c2s_tasks() -> str:
    """The tasks of C2S-Scale: a small model, its untrained start, and baselines."""
    rows = []
    for name, one in figures("c2s_tasks")["tasks"].items():
        digits = 1 if one["metric"].endswith("%") else 3
        others = [f"{other} {number(value, digits)}" for other, value in one["other_baselines"].items()]
        measures = [key for key, found in one.items() if isinstance(found, dict) and key != "other_baselines"]
        others += [f"{key.replace('_', ' ')} {by_method(one[key])}" for key in measures]
        rows.append(
            [
                name.replace("_", " "), one["metric"], number(one["value"], digits), number(one["untrained"], digits),
                f"{number(one['baseline'], digits)} ({one['baseline_name']})", "; ".join(others) or "–",
            ]
        )  # fmt: skip
    header = ["task", "metric", "model", "untrained", "baseline", "other baselines and measures"]
    return with_source("c2s_tasks", header, rows)


def by_method(values: dict[str, float]) -> str:
    """A measure of the model and of others."""
    named = {"model" if method == "value" else method: value for method, value in values.items()}
    return ", ".join(f"{method} {number(value, 2)}" for method, value in named.items())


def ablation() -> str:
    """What alignment by duality adds to one start, next to its control and the oracle."""
    rows = []
    for title, found, row, digits in situations():
        means = [number(row[method]["mean"], digits) if method in row else "–" for method in METHODS]
        gains = [gain(row[f"duality over {other}"], digits) for other in ("SFT", "pseudo-label")]
        rows.append([title, *means, *gains, right_before(found)])
    header = [
        "situation: metric",
        *METHODS,
        "duality over SFT",
        "duality over pseudo-label",
        "task / dual right before",
    ]
    return with_source("ablation", header, rows)


def ablation_short() -> str:
    """The same for the page on training."""
    rows = [
        [title, right_before(found), *(gain(row[f"duality over {other}"], digits) for other in ("SFT", "pseudo-label"))]
        for title, found, row, digits in situations()
    ]
    header = ["situation: metric", "task / dual right before", "duality over the start", "duality over pseudo-labels"]
    return with_source("ablation", header, rows)


def situations() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], int]]:
    """Title, all figures, those of one metric, and its digits."""
    for name, found in figures("ablation")["situations"].items():
        for metric, row in found["metrics"].items():
            yield f"{name}: {metric}", found, row, 2 if metric.endswith("scFID") else 3


def right_before(found: dict[str, Any]) -> str:
    """How often the task and its dual are right before alignment, by seed."""
    return ", ".join(f"{one['primal']:.2f} / {one['dual']:.2f}" for one in found.get("compared", [])) or "–"


def gain(found: dict[str, Any], digits: int) -> str:
    """A mean difference with its interval."""
    interval = (
        f" ({found['interval'][0]:+.{digits}f} to {found['interval'][1]:+.{digits}f})" if "interval" in found else ""
    )
    return f"{found['mean']:+.{digits}f}{interval}"


TABLES = {
    "duality-forms": duality_forms,
    "duality-seeds": duality_seeds,
    "generation": generation,
    "generation-short": generation_short,
    "embedding": embedding,
    "c2s-tasks": c2s_tasks,
    "ablation": ablation,
    "ablation-short": ablation_short,
}
