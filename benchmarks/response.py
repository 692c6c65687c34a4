"""Responses to perturbations, next to baselines: ``python -m benchmarks.response --folds FOLDER … [--quick]``.

Predicted responses of control cells are compared with perturbed cells. Baselines: "no change", and the mean shift of
other types, patients or knockdowns. The evaluated cells are held out of the training of the evaluated model: each fold
has its own weights (``python -m recipes.embedded.build --out FOLDER --stage tasks --leave-out I``). ``embedded,
control`` is the prediction of the model with the perturbation "control". ``correlation``: Pearson, of the predicted and
the observed change of mean expression over genes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
from numpy.typing import NDArray

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._gene_space import N_GENES, GeneSpace, distances, mean_of, rounded
from benchmarks._held_out import shipped_pbmc3k
from benchmarks._results import parser, report
from recipes.embedded import real_cells
from recipes.embedded.perturbed_cells import FOLDS, PERTURBATIONS
from recipes.embedded.sentences import sentences

TEMPERATURES = {"embedded": 1.0, "embedded, temperature 0.7": 0.7}
#: Genes that the made perturbation of ``--quick`` raises.
RAISED = ("ISG15", "IFI6", "IFIT1", "IFIT2", "IFIT3", "MX1", "LY6E", "ISG20", "B2M", "HLA-B")


class HeldOutResponse(NamedTuple):
    """Control cells, a perturbation, and the perturbed cells that the model was not trained on."""

    name: str
    perturbation: library.Perturbation
    control: ad.AnnData
    perturbed: ad.AnnData
    #: Control and perturbed cells of other groups, for the mean shift.
    others: list[tuple[ad.AnnData, ad.AnnData]]


def held_out_response(
    cells: ad.AnnData, held_out: NDArray[np.bool_], by: str, perturbation: library.Perturbation
) -> HeldOutResponse:
    """The held-out group of ``obs[by]``; all other groups give the mean shift."""
    perturbed = (cells.obs["perturbation"] != str(real_cells.CONTROL)).to_numpy()
    name = str(cells.obs[by][held_out].iloc[0])
    others = []
    for other in sorted(set(cells.obs[by].astype(str)) - {name}):
        same = (cells.obs[by].astype(str) == other).to_numpy()
        if (same & perturbed).any():
            control = same & ~perturbed
            others.append((cells[control if control.any() else ~perturbed].copy(), cells[same & perturbed].copy()))
    control = held_out & ~perturbed
    control = control if control.any() else ~perturbed
    return HeldOutResponse(name, perturbation, cells[control].copy(), cells[held_out & perturbed].copy(), others)


def held_out_responses(fold: int) -> dict[str, HeldOutResponse]:
    """The held-out part of each set in one fold."""
    kang, patients, stem = real_cells.kang_response(), real_cells.glioblastoma(), real_cells.crispri()
    label, patient, target = FOLDS[fold]
    knockdown = next(each for each in PERTURBATIONS if each.target == target)
    of_label = (kang.obs["label"] == label).to_numpy()
    of_patient = (patients.obs["donor"] == patient).to_numpy()
    of_target = (stem.obs["perturbation"] == str(knockdown)).to_numpy()
    return {
        "kang": held_out_response(kang, of_label, "label", real_cells.INTERFERON),
        "glioblastoma": held_out_response(patients, of_patient, "donor", real_cells.PANOBINOSTAT),
        "crispri": held_out_response(stem, of_target, "perturbation", knockdown),
    }


def made_response() -> dict[str, HeldOutResponse]:
    """Shipped cells with a made perturbation: every other cell has more counts of interferon-induced genes."""
    cells = shipped_pbmc3k()
    perturbed = np.arange(cells.n_obs) % 2 == 0
    columns = np.flatnonzero(cells.var_names.isin(RAISED))
    X = cells.X.tolil()
    for row in np.flatnonzero(perturbed):
        X[row, columns] = 20
    cells.X = X.tocsr()
    cells.obs["perturbation"] = np.where(perturbed, str(real_cells.INTERFERON), str(real_cells.CONTROL))
    label = "classical monocyte"
    held_out = (cells.obs["label"] == label).to_numpy()
    return {"made perturbation": held_out_response(cells, held_out, "label", real_cells.INTERFERON)}


def evaluate(
    model: library.LanguageModel, held_out: HeldOutResponse, n: int, seed: int, temperatures: dict[str, float]
) -> dict[str, dict[str, float | None]]:
    """Every method on one held-out response, with at most ``n`` cells of a population."""
    genes, rng = model.spec.genes, np.random.default_rng(seed)

    def sample(cells: ad.AnnData) -> ad.AnnData:
        return cells[np.sort(rng.permutation(cells.n_obs)[:n])].copy()

    control, perturbed = sample(held_out.control), sample(held_out.perturbed)
    others = [tuple(sentences(sample(part), genes, N_GENES) for part in pair) for pair in held_out.others]
    shared = sorted(genes & set(held_out.control.var_names))
    before, after = sentences(control, genes, N_GENES), sentences(perturbed, genes, N_GENES)
    space = GeneSpace([cell for pair in others for part in pair for cell in part] + before, shared, seed)
    base = space.expression(before)
    shift = np.mean([space.expression(b).mean(0) - space.expression(a).mean(0) for a, b in others], axis=0)
    predicted = {
        name: library.perturb(control, held_out.perturbation, model, temperature=temperature, seed=seed)
        for name, temperature in temperatures.items()
    }
    predicted["embedded, control"] = library.perturb(control, real_cells.CONTROL, model, seed=seed)
    cells_by_method = {
        **{name: space.expression(sd.get.gene_lists(cells)) for name, cells in predicted.items()},
        "mean shift": base + shift,
        "no change": base,
    }
    real = space.expression(after)
    observed = real.mean(0) - base.mean(0)
    results = {}
    for name, cells in cells_by_method.items():
        change = cells.mean(0) - base.mean(0)
        correlation = sd.metrics.pearson(observed, change) if np.ptp(change) else np.nan
        results[name] = {**distances(space.embed(real), space.embed(cells), seed), "correlation": correlation}
    return results


def table(responses: dict[str, dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Mean over folds, and each fold."""
    return {
        name: {
            "mean": {
                method: rounded(mean_of([fold[method] for fold in folds.values()]))
                for method in next(iter(folds.values()))
            },
            "folds": {
                group: {method: rounded(values) for method, values in each.items()} for group, each in folds.items()
            },
        }
        for name, folds in responses.items()
    }


def main() -> None:
    options = parser(__doc__, "the shipped model on a made perturbation of shipped PBMC3k cells, 6 cells")
    options.add_argument(
        "--folds", type=Path, nargs="*", default=[], help="folders of the weights of each fold, in order"
    )
    options.add_argument("--cells", type=int, default=200, help="most cells of a population")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    if not args.folds and not args.quick:
        options.error("--folds names no folder: build the weights of each fold with recipes.embedded.build")
    sd.settings.progress = False
    n, temperatures = (6, {"embedded": 1.0}) if args.quick else (args.cells, TEMPERATURES)
    responses: dict[str, dict[str, dict[str, Any]]] = {}
    for fold, folder in enumerate(["embedded"] if args.quick else args.folds):
        model = sd.models.load(folder)
        for name, held_out in (made_response() if args.quick else held_out_responses(fold)).items():
            found = evaluate(model, held_out, n, args.seed, temperatures)
            responses.setdefault(name, {})[held_out.name] = found
            print(name, held_out.name, {method: rounded(values) for method, values in found.items()}, flush=True)
    report(
        "response",
        table(responses) | ({"data": "made perturbation of shipped cells"} if args.quick else {}),
        n=args.cells,
        seed=args.seed,
        quick=args.quick,
        packages=("POT", "scikit-learn", "torch", "transformers"),
        model="embedded" if args.quick else args.folds[0],
    )


if __name__ == "__main__":
    main()
