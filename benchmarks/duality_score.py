"""What the duality score is worth: ``python -m benchmarks.duality_score [--quick] [--model FOLDER …] [--default]``.

On cells of donors and studies that the model never saw, two AUROCs for every form of the score: of
the true label against wrong labels of the same cells (is the reward informative?), and of right
against wrong answers (is it a confidence?), the latter beside the model's own probability and both
joined. Then the accuracy of best-of-N, where N labels are drawn from the model's probabilities and
the one with the best score is kept. All labels are those of the tissue.

The form that is the package's default is chosen on ``validation``, donors of the training studies
that were held out for such choices (the shipped model has learned from them since); the other sets
only judge it. ``--default`` looks at that form alone, without draws, which is quick enough for several
models: what joining it changes is then shown with an interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.metrics import roc_auc_score

import sc_duality as sd
from benchmarks import _cells
from benchmarks._folds import FOLDS, is_validation, studies
from benchmarks._report import over_seeds, report
from benchmarks._sentences import sentences
from sc_duality.models import LanguageModel, SamplingParams
from sc_duality.rewards import lift, posterior
from sc_duality.tasks import Annotation, Example, Failure, annotation_example

#: What the dual is shown, and the shares of the genes that it does not see.
GIVEN = {"observed": (0.3, 0.6, 0.9), "label": (0.3, 0.6, 1.0)}
DRAWS = (1, 4, 16)
BEST_OF = (4, 16)
#: The form that ``tl.duality`` takes by default.
DEFAULT = "posterior, label, 1.0"
DEFAULT_GIVEN = {"label": (1.0,)}


class Set(NamedTuple):
    """Cells with everything that is needed to judge a score on them."""

    cells: list[list[str]]
    labels: list[str]
    #: Index of the true label of each cell.
    truth: NDArray[np.int64]
    #: Log-probability of each label, (n_cells, n_labels).
    log_prior: NDArray[np.float64]


def prepared(engine: LanguageModel, adata: ad.AnnData, labels: list[str], n: int, rng: np.random.Generator) -> Set:
    """At most ``n`` cells of ``adata`` and what the model says of them."""
    chosen = adata[rng.permutation(adata.n_obs)[:n]]
    cells = sentences(chosen, engine.spec.genes, engine.spec.n_genes)
    task = Annotation(engine.spec.prompt_format)
    prompts = [task.prompt(annotation_example(genes, labels)) for genes in cells]
    scores = engine.score(prompts, [task.answer(label) for label in labels])
    truth = np.array([labels.index(label) for label in chosen.obs["label"]])
    return Set(cells, labels, truth, log_softmax(scores / engine.spec.temperature, axis=1))


def examples_of(found: Set, hidden_fraction: float, seed: int) -> list[Example]:
    return [
        annotation_example(genes, found.labels, hidden_fraction=hidden_fraction, rng=np.random.default_rng([seed, i]))
        for i, genes in enumerate(found.cells)
    ]


def by_likelihood(
    engine: LanguageModel, task: Annotation, found: Set, examples: Sequence[Example]
) -> dict[str, NDArray[np.float64]]:
    """Scores of every label of every cell, by form, (n_cells, n_labels)."""
    answers = [task.dual_answer(example.unknown) for example in examples]
    said = [None, *found.labels]
    prompts = [task.dual_prompt(label, example) for label in said for example in examples]
    everything = engine.likelihood(prompts, answers * len(said)).reshape(len(said), -1).T
    without, each = everything[:, 0], everything[:, 1:]
    n_hidden = np.array([len(example.unknown) for example in examples])
    columns = range(len(found.labels))
    scores = {"likelihood": np.stack([lift(each[:, i], without, n_hidden) for i in columns], 1)}
    for name, log_prior in (("posterior", None), ("joined", found.log_prior)):
        of_labels = [
            posterior(each, np.full(len(each), i), log_prior=log_prior, temperature=engine.spec.dual_temperature)
            for i in columns
        ]
        scores[name] = np.stack(of_labels, 1)
    return scores


def by_sampling(
    engine: LanguageModel, task: Annotation, examples: Sequence[Example], labels: Sequence[str], seed: int
) -> NDArray[np.float64]:
    """Similarity of the hidden genes to what the dual draws for this label of each cell, (n_cells, 16)."""
    prompts = [task.dual_prompt(label, example) for label, example in zip(labels, examples, strict=True)]
    longest = max(len(example.unknown) for example in examples)
    sampling = SamplingParams(max_tokens=longest, temperature=1.0, seed=seed)
    texts = engine.generate(prompts * max(DRAWS), sampling)
    scores = np.zeros((max(DRAWS), len(examples)))
    for i, text in enumerate(texts):
        draw, cell = divmod(i, len(examples))
        read = task.parse_dual(text, examples[cell])
        if not isinstance(read, Failure):
            scores[draw, cell] = task.score(examples[cell].unknown, read.value)
    return scores.T


def auroc(yes: NDArray[np.float64], no: NDArray[np.float64]) -> float | None:
    """How often a score of ``yes`` is above one of ``no``."""
    if not len(yes) or not len(no):
        return None
    truth = np.repeat([1, 0], [len(yes), len(no)])
    return round(float(roc_auc_score(truth, np.concatenate([yes, no]))), 3)


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.argsort().argsort() / len(values)


def judged(
    engine: LanguageModel, found: Set, n_sampled: int, seed: int, forms: Mapping[str, Sequence[float]]
) -> dict[str, dict[str, float | None]]:
    """Both AUROCs of every form, and accuracies of best-of-N."""
    rows = np.arange(len(found.cells))
    answer = found.log_prior.argmax(1)
    right = answer == found.truth
    is_true = np.arange(len(found.labels)) == found.truth[:, None]
    informative: dict[str, float | None] = {}
    confident: dict[str, float | None] = {"probability": auroc(*split(found.log_prior[rows, answer], right))}
    joined: dict[str, float | None] = {}
    kept: dict[str, NDArray[np.float64]] = {}
    for given, shares in forms.items():
        task = Annotation(engine.spec.prompt_format, engine.spec.genes, given)
        for share in shares:
            examples = examples_of(found, share, seed)
            for name, scores in by_likelihood(engine, task, found, examples).items():
                form = f"{name}, {given}, {share}"
                kept[form] = scores
                if name == "joined":
                    joined[f"posterior, {given}, {share}"] = auroc(*split(scores[rows, answer], right))
                    continue
                informative[form] = auroc(*split(scores, is_true))
                confident[form] = auroc(*split(scores[rows, answer], right))
                if name == "likelihood":
                    both = ranks(scores[rows, answer]) + ranks(found.log_prior[rows, answer])
                    joined[form] = auroc(*split(both, right))
            if n_sampled and share in (shares[0], shares[-1]):  # sampling costs most
                sampled(
                    engine,
                    task,
                    found,
                    examples,
                    n_sampled,
                    seed,
                    f"{given}, {share}",
                    (informative, confident, joined),
                )
    confident["joined"] = joined[DEFAULT]
    return {
        "true_vs_wrong": informative,
        "right_vs_wrong": confident,
        "joined_with_probability": joined,
        "accuracy": accuracies(found, kept, seed),
        "n": {"cells": len(rows), "wrong_answers": int((~right).sum()), "cells_sampled": min(n_sampled, len(rows))},
    }


def split(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return scores[right], scores[~right]


def sampled(
    engine: LanguageModel,
    task: Annotation,
    found: Set,
    examples: list[Example],
    n: int,
    seed: int,
    name: str,
    into: tuple[dict[str, float | None], ...],
) -> None:
    """The paper's form, on the first ``n`` cells: the true label, a wrong one, and the model's answer."""
    informative, confident, joined = into
    examples, truth = examples[:n], found.truth[:n]
    rng = np.random.default_rng(seed)
    answer = found.log_prior[:n].argmax(1)
    right = answer == truth
    wrong = (truth + rng.integers(1, len(found.labels), len(truth))) % len(found.labels)
    wrong[~right] = answer[~right]  # a wrong answer is judged anyway
    of_true, of_wrong = (
        by_sampling(engine, task, examples, [found.labels[i] for i in labels], seed) for labels in (truth, wrong)
    )
    of_answer = np.where(right[:, None], of_true, of_wrong)
    prior = found.log_prior[np.arange(len(truth)), answer]
    for draws in DRAWS:
        true, false, said = (scores[:, :draws].mean(1) for scores in (of_true, of_wrong, of_answer))
        form = f"sample {draws}, {name}"
        informative[form] = auroc(true, false)
        confident[form] = auroc(*split(said, right))
        joined[form] = auroc(*split(ranks(said) + ranks(prior), right))


def accuracies(found: Set, scores: dict[str, NDArray[np.float64]], seed: int) -> dict[str, float]:
    """Accuracy of the likeliest label, of one that is drawn, and of the best of N that are drawn."""
    rng = np.random.default_rng(seed)
    n, n_labels = found.log_prior.shape
    most = max(BEST_OF)
    probability = np.exp(found.log_prior)
    drawn = np.stack([rng.choice(n_labels, most, p=row / row.sum()) for row in probability])
    result = {
        "single answer": np.mean(found.log_prior.argmax(1) == found.truth),
        "one draw": np.mean(drawn[:, 0] == found.truth),
        "dual alone": np.mean(scores[DEFAULT].argmax(1) == found.truth),
        "joined": np.mean(scores[DEFAULT.replace("posterior", "joined")].argmax(1) == found.truth),
    }
    for count in BEST_OF:
        best = np.take_along_axis(scores[DEFAULT], drawn[:, :count], 1).argmax(1)
        result[f"best of {count}"] = np.mean(drawn[np.arange(n), best] == found.truth)
    return {name: round(float(value), 4) for name, value in result.items()}


def sets_of() -> dict[str, ad.AnnData]:
    """The cells to judge on; the validation donors by study."""
    pancreas = _cells.pancreas()
    chosen = {name: cells[is_validation(cells)].copy() for name, cells in studies(FOLDS["main"]).items()}
    return {
        **{f"validation: {name}": cells for name, cells in chosen.items() if cells.n_obs},
        "held_out_donors": pancreas["held_out_donors"],
        "muraro": pancreas["muraro"],
        "tritschler": pancreas["tritschler"],
        "pbmc68k_reduced": _cells.pbmc68k(),
        "pbmc_facs_800": _cells.pbmc_facs(),
    }


def of_model(model: str, args: argparse.Namespace) -> dict[str, dict[str, dict[str, float | None]]]:
    """What the scores of one model are worth on each set."""
    # Texts are drawn in larger batches than by default: many are asked for at once.
    engine = sd.models.TransformersModel(sd.models.resolve(model), batch_tokens=2048)
    n, n_sampled = (40, 4) if args.quick else (args.cells, args.sampled)
    n_sampled = 0 if args.default else n_sampled
    tissues = engine.spec.known("annotation", "label_sets", {})
    results = {}
    for name, cells in sets_of().items():
        if args.quick and name not in ("muraro", "pbmc68k_reduced"):
            continue
        labels = sorted(next(of for of in tissues.values() if set(cells.obs["label"]) <= set(of)))
        known = Set(*prepared(engine, cells, labels, n, np.random.default_rng(args.seed)))
        results[name] = judged(engine, known, n_sampled, args.seed, DEFAULT_GIVEN if args.default else GIVEN)
        print(name, results[name], flush=True)
    return results


def gained(
    each: Sequence[Mapping[str, Mapping[str, Mapping[str, float | None]]]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Whether an answer is right, told by the probability, by that joined with the default form, and the difference."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name in each[0]:
        confident = [results[name]["right_vs_wrong"] for results in each]
        pairs = [(one["probability"], one["joined"]) for one in confident]
        told = np.array([pair for pair in pairs if None not in pair], dtype=float).reshape(-1, 2)
        if len(told):
            columns = {"probability": told[:, 0], "joined": told[:, 1], "gain": told[:, 1] - told[:, 0]}
            found[name] = {column: over_seeds(values.tolist()) for column, values in columns.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40 cells of two sets, 4 of them sampled")
    parser.add_argument("--model", nargs="+", default=["embedded"], help="one, or one a seed of training")
    parser.add_argument("--default", action="store_true", help="the default form alone, nothing sampled")
    parser.add_argument("--cells", type=int, default=200, help="cells of each set at most")
    parser.add_argument("--sampled", type=int, default=40, help="of which so many by sampling")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sd.settings.progress = False
    each = [of_model(model, args) for model in args.model]
    report(
        {"sets": dict(zip(args.model, each, strict=True)), "gained": gained(each), "default": DEFAULT},
        n=sum(result["n"]["cells"] or 0 for result in each[0].values()),
        seed=args.seed,
        packages=("scikit-learn", "torch", "transformers"),
    )


if __name__ == "__main__":
    main()
