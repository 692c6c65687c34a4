"""Tables of the duality score, generation, embeddings, the tasks of C2S-Scale and alignment."""

from __future__ import annotations

from benchmarks._markdown import TITLES, figures, mean_sd, number, with_source

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
    """Alignment by method, mean ± standard deviation over three seeds; attempts are in the result only."""
    tasks = figures("ablation")["tasks"]
    columns = {
        "generation: type fidelity": ("generation, pbmc3k", "type fidelity", 3),
        "generation: scFID": ("generation, pbmc3k", "scFID", 2),
        "generation: duplicate genes": ("generation, pbmc3k", "duplicate genes", 1),
        "interferon: correlation": ("response, interferon, held out", "correlation", 3),
        "knockdown: correlation": ("response, knockdown, held out", "correlation", 3),
        "annotation: held-out donors": ("annotation, held_out_donors", "accuracy", 3),
        "annotation: Muraro": ("annotation, muraro", "accuracy", 3),
        "annotation: Tritschler": ("annotation, tritschler", "accuracy", 3),
    }
    methods = [method for method in tasks["generation, pbmc3k"] if not method.startswith("attempt: ")]
    rows = [
        [method, *(mean_sd(tasks[task][method][metric], digits) for task, metric, digits in columns.values())]
        for method in methods
    ]
    return with_source("ablation", ["method", *columns], rows)


TABLES = {
    "duality-forms": duality_forms,
    "duality-seeds": duality_seeds,
    "generation": generation,
    "generation-short": generation_short,
    "embedding": embedding,
    "c2s-tasks": c2s_tasks,
    "ablation": ablation,
}
