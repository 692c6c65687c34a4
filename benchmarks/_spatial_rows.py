"""The row of a spatial task: the models and the baselines on the same test examples, and means over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks._c2s_examples import examples
from benchmarks._c2s_scores import answers, overlap
from benchmarks._spatial_baselines import OF_GENES, OF_LABELS
from benchmarks._spatial_cells import SpatialSplit
from benchmarks._spatial_features import Side, side
from benchmarks._spatial_trainings import settings
from sc_duality.examples import ModelCells
from sc_duality.metrics import mcnemar
from sc_duality.models import LanguageModel, ModelSpec

#: The task whose answers are genes.
GENERATION = "neighbour_generation"


def row(
    name: str,
    split: SpatialSplit,
    models: Mapping[str, LanguageModel],
    sizes: tuple[int, int],
    seed: int,
    reason: str | None,
) -> dict[str, Any]:
    """The scores of one task.

    ``models`` are ``"model"``, ``"untrained"`` and, if there is one, ``"with_interactions"``; ``reason`` says why not.
    ``sizes`` are the numbers of training examples of baselines and of test examples.
    """
    training, test = sides(name, split, models["model"].spec, sizes, seed)
    predicted = {one: answers(model, test.examples) for one, model in models.items()}
    baselines = OF_GENES if name == GENERATION else OF_LABELS
    constant = {one: baseline(training, test) for one, baseline in baselines.items()}
    constant["untrained"] = predicted.pop("untrained")
    score = gene_scores if name == GENERATION else label_scores
    found: dict[str, Any] = {
        "model": score(test, predicted["model"]),
        "baselines": {one: score(test, answer) for one, answer in constant.items()},
        "with_interactions": reason or score(test, predicted["with_interactions"]),
        "n": len(test.examples),
        "not_read": sum(one is None for one in predicted["model"]),
    }
    found["each"] = [next(iter(found["model"].values()))]
    if name == "niche":
        best = max(constant, key=lambda one: found["baselines"][one]["accuracy"])
        compared = mcnemar(test.truth, predicted["model"], constant[best])
        found["mcnemar"] = [{"baseline": best, **compared._asdict()}]
    return rounded(found)


def sides(name: str, split: SpatialSplit, spec: ModelSpec, sizes: tuple[int, int], seed: int) -> tuple[Side, Side]:
    """Training examples for baselines, and test examples; the prompts are those of the model."""
    types = sorted(set(split.train.obs["cell_type"].astype(str)))
    found = []
    for cells, n, rng in ((split.train, sizes[0], seed + 1), (split.test, sizes[1], seed)):
        made = examples(name, settings(name, split), cells, spec, n, rng)
        sentences = ModelCells(cells, spec, n_genes=spec.n_genes).genes()
        found.append(side(made, cells, sentences, types))
    return found[0], found[1]


def label_scores(test: Side, predicted: Sequence[Any]) -> dict[str, float]:
    """Accuracy, and the mean F1 of the true labels; an answer that cannot be read is wrong."""
    from sklearn.metrics import accuracy_score, f1_score

    read = ["" if one is None else one for one in predicted]
    labels = sorted(set(test.truth))
    return {
        "accuracy": float(accuracy_score(test.truth, read)),
        "macro_f1": float(f1_score(test.truth, read, labels=labels, average="macro", zero_division=0)),
    }


def gene_scores(test: Side, predicted: Sequence[Any]) -> dict[str, float]:
    """Overlap with the genes of the true neighbour in percent."""
    return {"overlap": overlap(test.examples, predicted)}


def rounded(found: Any) -> Any:
    """Numbers with four digits after the point."""
    if isinstance(found, Mapping):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return float(f"{found:.4g}") if isinstance(found, float | np.floating) else found


def mean_of_seeds(rows: Sequence[Any]) -> Any:
    """One row from those of several seeds: means of numbers, and lists one after the other."""
    first = rows[0]
    if isinstance(first, Mapping):
        return {name: mean_of_seeds([one[name] for one in rows]) for name in first}
    if isinstance(first, list):
        return [value for one in rows for value in one]
    return first if all(one == first for one in rows) else rounded(float(np.mean(rows)))
