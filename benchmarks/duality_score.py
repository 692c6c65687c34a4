"""The duality score of annotations: ``python -m benchmarks.duality_score [--quick] [--model FOLDER …] [--default]``.

Two AUROCs for every form of the score, on cells of held-out donors and studies: true labels against wrong labels of the
same cells (``true_vs_wrong``), and correct against wrong predictions (``correct_vs_wrong``), the latter next to the
model's probability and combined with it. Accuracy of best-of-N: of N labels sampled from the model's probabilities, the
one with the highest score. Labels are those of the tissue.

A form is named by how the score is computed, the context of the dual (``label``, or ``observed`` genes and label), and
the share of hidden genes. The package's default form was chosen on the validation donors. ``--default`` measures this
form only, without sampling; with several models (seeds) the result is ``duality_score_seeds``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._duality_forms import N_SAMPLES, Cells, likelihood_scores, sampled_scores, scored_cells
from benchmarks._held_out import held_out_sets, shipped_pbmc3k
from benchmarks._results import over_seeds, parser, report
from recipes.embedded.folds import FOLDS, is_validation, studies

#: Contexts of the dual, and shares of hidden genes.
FORMS = {"observed": (0.3, 0.6, 0.9), "label": (0.3, 0.6, 1.0)}
BEST_OF = (4, 16)
#: The default form of ``tl.duality``.
DEFAULT, DEFAULT_FORMS = "posterior, label, 1.0", {"label": (1.0,)}

Figures = dict[str, dict[str, float | None]]


def auroc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float | None:
    """Area under the ROC curve, ``None`` where one class is empty."""
    if positive.all() or not positive.any():
        return None
    return round(float(roc_auc_score(positive.ravel(), scores.ravel())), 3)


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks in [0, 1)."""
    return values.argsort().argsort() / len(values)


def evaluate(
    model: library.LanguageModel, found: Cells, n_sampled: int, seed: int, forms: Mapping[str, Sequence[float]]
) -> Figures:
    """Both AUROCs of every form, and accuracies of best-of-N."""
    rows, prediction = np.arange(len(found.cells)), found.log_prior.argmax(1)
    correct, prior = prediction == found.truth, found.log_prior[np.arange(len(found.cells)), prediction]
    is_true = np.arange(len(found.labels)) == found.truth[:, None]
    figures: Figures = {"true_vs_wrong": {}, "correct_vs_wrong": {"probability": auroc(prior, correct)}, "combined": {}}
    kept: dict[str, NDArray[np.float64]] = {}
    for context, shares in forms.items():
        for share in shares:
            examples = found.examples(context, share, seed)
            for name, scores in likelihood_scores(model, found, examples).items():
                form, of_prediction = f"{name}, {context}, {share}", scores[rows, prediction]
                kept[form] = scores
                if name == "combined":
                    figures["combined"][f"posterior, {context}, {share}"] = auroc(of_prediction, correct)
                    continue
                figures["true_vs_wrong"][form] = auroc(scores, is_true)
                figures["correct_vs_wrong"][form] = auroc(of_prediction, correct)
                if name == "likelihood":
                    figures["combined"][form] = auroc(ranks(of_prediction) + ranks(prior), correct)
            if n_sampled and share in (shares[0], shares[-1]):
                sampled = evaluate_sampling(model, found, examples[:n_sampled], f"{context}, {share}", seed)
                for name, values in sampled.items():
                    figures[name] |= values
    figures["correct_vs_wrong"]["combined"] = figures["combined"][DEFAULT]
    n_wrong = int((~correct).sum())
    counts = {"cells": len(rows), "wrong_predictions": n_wrong, "cells_sampled": min(n_sampled, len(rows))}
    return figures | {"accuracy": best_of_accuracy(found, kept, seed), "n": counts}


def evaluate_sampling(model: library.LanguageModel, found: Cells, examples: list[Any], name: str, seed: int) -> Figures:
    """The sampled form on the first cells: the true label, a wrong one, and the prediction."""
    n = len(examples)
    truth, prediction = found.truth[:n], found.log_prior[:n].argmax(1)
    rng = np.random.default_rng(seed)
    correct = prediction == truth
    wrong = (truth + rng.integers(1, len(found.labels), n)) % len(found.labels)
    wrong[~correct] = prediction[~correct]  # a wrong prediction is scored in any case
    of_true, of_wrong = (
        sampled_scores(model, examples, [found.labels[i] for i in labels], seed) for labels in (truth, wrong)
    )
    of_prediction = np.where(correct[:, None], of_true, of_wrong)
    prior = found.log_prior[np.arange(n), prediction]
    figures: Figures = {"true_vs_wrong": {}, "correct_vs_wrong": {}, "combined": {}}
    for n_samples in N_SAMPLES:
        true, false, predicted = (scores[:, :n_samples].mean(1) for scores in (of_true, of_wrong, of_prediction))
        form = f"sample {n_samples}, {name}"
        figures["true_vs_wrong"][form] = auroc(np.concatenate([true, false]), np.repeat([True, False], n))
        figures["correct_vs_wrong"][form] = auroc(predicted, correct)
        figures["combined"][form] = auroc(ranks(predicted) + ranks(prior), correct)
    return figures


def best_of_accuracy(found: Cells, scores: dict[str, NDArray[np.float64]], seed: int) -> dict[str, float]:
    """Accuracy of the most probable label, of one sampled label, and of the best of N sampled labels."""
    rng = np.random.default_rng(seed)
    n, n_labels = found.log_prior.shape
    probability = np.exp(found.log_prior)
    sampled = np.stack([rng.choice(n_labels, max(BEST_OF), p=row / row.sum()) for row in probability])
    accuracy = {
        "most probable label": np.mean(found.log_prior.argmax(1) == found.truth),
        "one sampled label": np.mean(sampled[:, 0] == found.truth),
        "dual alone": np.mean(scores[DEFAULT].argmax(1) == found.truth),
        "combined": np.mean(scores[DEFAULT.replace("posterior", "combined")].argmax(1) == found.truth),
    }
    for count in BEST_OF:
        best = np.take_along_axis(scores[DEFAULT], sampled[:, :count], 1).argmax(1)
        accuracy[f"best of {count}"] = np.mean(sampled[np.arange(n), best] == found.truth)
    return {name: round(float(value), 4) for name, value in accuracy.items()}


def sets(quick: bool) -> dict[str, ad.AnnData]:
    """The held-out sets, and the validation donors by study."""
    if quick:
        return {"pbmc3k, shipped cells": shipped_pbmc3k()}
    validation = {name: cells[is_validation(cells)].copy() for name, cells in studies(FOLDS["main"]).items()}
    return {
        **{f"validation: {name}": cells for name, cells in validation.items() if cells.n_obs},
        **{name: held_out.cells for name, held_out in held_out_sets().items()},
    }


def evaluate_model(name: str, args: argparse.Namespace) -> dict[str, Figures]:
    """The scores of one model on each set."""
    model = library.transformers_model(name, batch_tokens=2048)  # larger batches for many completions
    n, n_sampled = (10, 1) if args.quick else (args.cells, args.sampled)
    results = {}
    for set_name, cells in sets(args.quick).items():
        labels = library.label_set(model, cells.obs["label"])
        found = scored_cells(model, cells, labels, n, np.random.default_rng(args.seed))
        forms = DEFAULT_FORMS if args.default or args.quick else FORMS
        results[set_name] = evaluate(model, found, 0 if args.default else n_sampled, args.seed, forms)
        print(set_name, results[set_name], flush=True)
    return results


def gain(each: Sequence[Mapping[str, Figures]]) -> dict[str, dict[str, dict[str, Any]]]:
    """AUROC of the probability, of the probability combined with the default form, and the difference, over models."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name in each[0]:
        correct = [results[name]["correct_vs_wrong"] for results in each]
        pairs = [(one["probability"], one["combined"]) for one in correct]
        values = np.array([pair for pair in pairs if None not in pair], dtype=float).reshape(-1, 2)
        if len(values):
            columns = {"probability": values[:, 0], "combined": values[:, 1], "gain": values[:, 1] - values[:, 0]}
            found[name] = {column: over_seeds(column_values.tolist()) for column, column_values in columns.items()}
    return found


def main() -> None:
    options = parser(__doc__, "10 shipped cells of PBMC3k, the default form, 1 of the cells with sampling")
    options.add_argument("--model", nargs="+", default=["embedded"], help="one model, or one for each seed")
    options.add_argument("--default", action="store_true", help="the default form only, without sampling")
    options.add_argument("--cells", type=int, default=200, help="most cells of a set")
    options.add_argument("--sampled", type=int, default=40, help="cells of a set with sampling")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    sd.settings.progress = False
    each = [evaluate_model(model, args) for model in args.model]
    figures: dict[str, Any] = {"default": DEFAULT, "gain": gain(each)}
    figures |= {"sets": each[0]} if len(each) == 1 else {"seeds": each}
    if args.quick:
        figures["data"] = "shipped cells of PBMC3k"
    report(
        "duality_score" if len(each) == 1 else "duality_score_seeds",
        figures,
        n=sum(int(result["n"]["cells"] or 0) for result in each[0].values()),
        seed=args.seed,
        quick=args.quick,
        packages=("scikit-learn", "torch", "transformers"),
        model=args.model[0],
    )


if __name__ == "__main__":
    main()
