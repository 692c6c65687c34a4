"""Tables of responses to perturbations, gene programs and the virtual screen."""

from __future__ import annotations

from typing import Any

from benchmarks._markdown import figures, interval, number, with_source

PERTURBED = {
    "kang": "Kang 2018, interferon-β",
    "glioblastoma": "glioblastoma, panobinostat",
    "crispri": "H1, CRISPRi",
}
#: Rewards, and what they need.
REWARDS = {
    "sft": "SFT alone",
    "kendall": "Kendall τ of the program (truth)",
    "embedding": "−MSE in an embedding (truth)",
    "duality": "duality (no truth)",
    "pseudo_label": "pseudo-label (no truth)",
    "oracle": "overlap with the true change (truth)",
}
PROGRAM_METRICS = {
    "kendall_cell": ("τ, cell by cell", 3),
    "kendall": ("τ, mean change", 3),
    "pearson": ("r, mean change", 3),
    "scfid": ("scFID", 2),
}
METHODS = {
    "model": "gene changes",
    "mean_shift": "mean shift",
    "similarity_weighted": "similarity-weighted shift",
    "sloped_shift": "sloped shift",
    "ridge_change": "ridge regression, change",
    "ridge_expression": "ridge regression, expression",
    "whole_cell": "embedded, whole cell (trained on these cells too)",
    "no_change": "no change",
}


def response() -> str:
    """Predicted responses, means over folds and seeds."""
    sets = figures("response")["sets"]

    def cell(one: dict[str, Any], method: str) -> str:
        return f"{number(one[method], 2)} / {number(one['scfid'][method], 0)} / {number(one['mmd'][method], 2)}"

    rows = [[title, *(cell(one, method) for one in sets.values())] for method, title in METHODS.items()]
    rows.append(["highest expected r", *(number(one["ceiling"], 2) for one in sets.values())])
    rows.append(["gene changes − mean shift, r", *(interval(one["gain"]["interval"]) for one in sets.values())])
    rows.append(
        ["change under control / treatment", *(number(one["change_under_control"], 2) for one in sets.values())]
    )
    rows.append(["perturbation read back (chance 0.5)", *(number(one["dual_accuracy"], 2) for one in sets.values())])
    return with_source("response", ["r / scFID / MMD", *(PERTURBED[name] for name in sets)], rows)


def response_new_donor() -> str:
    """Predictions of the packaged model's recipe for a donor and a patient that it has not seen."""
    found = figures("response")["screen"]["new_donor"]
    methods = {"model": "recipe of the model", "same_type": "change of the same type", "mean_shift": "mean shift"}
    titles = {"interferon": "blood, interferon-β, donor 107", "panobinostat": "glioblastoma, panobinostat, PW040"}
    rows = [[titles[name], *(number(one[method], 2) for method in methods)] for name, one in found.items()]
    return with_source("response", ["r", *methods.values()], rows)


def screen() -> str:
    """Ranks and effects of the known inducer, and the time of a library."""
    found = figures("response")["screen"]
    rows = [
        [name, found["ranks"][name], *(number(found[column][name], 1) for column in ("effect", "next_effect"))]
        for name in found["ranks"]
    ]
    header = ["cells", "rank of interferon-β", "its change of the score, in ranks", "next perturbation"]
    library = f"{found['n_library']} names, resumed half way, {found['predictions']:,} predictions"
    return f"{with_source('response', header, rows)}\n\n{library}: {found['seconds_200']:.0f} s."


def programs() -> str:
    """What GRPO adds to supervised training in the interferon program, by reward."""
    rows = []
    for name, one in figures("response")["programs"].items():
        row = [REWARDS[name]]
        for metric, (_, digits) in PROGRAM_METRICS.items():
            gain = one.get(f"{metric}_gain")
            change = f" ({gain['mean']:+.{digits}f}; {interval(gain['interval'])})" if gain else ""
            row.append(f"{number(one[metric], digits)}{change}")
        rows.append(row)
    return with_source("response", ["reward", *(title for title, _ in PROGRAM_METRICS.values())], rows)


TABLES = {
    "response": response,
    "response-new-donor": response_new_donor,
    "screen": screen,
    "programs": programs,
}
