"""What follows for a model's confidence from donors whose labels it was not trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, softmax

import sc_duality as sd
from benchmarks._folds import Fold, is_validation, studies, tissue_of
from benchmarks._recipe import ANNOTATION, FROM_LABEL, NONE
from benchmarks._sentences import sentences
from sc_duality.models import LanguageModel
from sc_duality.tasks import annotation_example
from sc_duality.tl._familiar import read_reference

#: Cells of a study at most, and those by which the dual is judged.
CELLS, JUDGED = 300, 40
#: Share of the known cells of a study that come out as unknown, and that are more likely unlike all of the reference
#: than not, at most; how steep that curve is.
REJECTED, UNLIKE, SLOPE = 0.1, 0.05, 30.0


def calibrate(folder: Path, fold: Fold, seed: int, with_dual: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Accuracy by study on the validation donors, and what of the model's spec follows from them.

    Below ``unknown`` lie the answers to ``REJECTED`` of the cells of the study that is worst off.
    """
    engine = sd.models.load(folder)
    labels, words = list(engine.spec.labels), engine.spec.genes or frozenset()
    rng = np.random.default_rng(seed)
    reference = read_reference(replace(engine.spec, familiar={"half": 0.0, "slope": SLOPE}))
    accuracy, primal, dual, alike = {}, [], [], []
    for name, cells in studies(fold).items():
        chosen = cells[rng.permutation(np.flatnonzero(is_validation(cells)))[:CELLS]]
        if chosen.n_obs == 0:
            continue
        truth = chosen.obs["label"].to_numpy(str)
        genes = sentences(chosen, words, engine.spec.n_genes)
        alike.append(np.array([reference.similarity(each) for each in genes]))
        prompts = [ANNOTATION.prompt(annotation_example(each, labels)) for each in genes]
        scores = engine.score(prompts, [ANNOTATION.answer(label) for label in (*labels, NONE)])
        primal.append((scores, np.array([labels.index(label) for label in truth])))
        accuracy[name] = {"n": chosen.n_obs, "accuracy": share_right(scores[:, :-1], primal[-1][1])}
        if not with_dual:
            continue
        of_tissue = engine.spec.label_sets[tissue_of(name)]
        likelihoods = np.stack([whole_cell(engine, genes[:JUDGED], label) for label in of_tissue], 1)
        dual.append((likelihoods, np.array([of_tissue.index(label) for label in truth[:JUDGED]])))
        accuracy[name]["accuracy of the dual (types of the tissue)"] = share_right(*dual[-1])
    temperature = best_temperature(primal)
    half = min(float(np.quantile(each, UNLIKE)) for each in alike)
    sure = [
        softmax(scores / temperature, axis=1)[:, :-1].max(1) * expit(SLOPE * (each - half))
        for (scores, _), each in zip(primal, alike, strict=True)
    ]
    return accuracy, {
        "temperature": round(temperature, 3),
        "familiar": {"half": round(half, 3), "slope": SLOPE},
        "unknown": round(min(float(np.quantile(each, REJECTED)) for each in sure), 3),
        **({"dual_temperature": round(best_temperature(dual), 3)} if with_dual else {}),
    }


def whole_cell(engine: LanguageModel, cells: list[list[str]], label: str) -> NDArray[np.float64]:
    """Log-likelihood of each cell, were it of this type: the dual that sees the label alone."""
    examples = [annotation_example(genes, [label], hidden_fraction=1.0) for genes in cells]
    prompts = [FROM_LABEL.dual_prompt(label, example) for example in examples]
    return engine.likelihood(prompts, [FROM_LABEL.dual_answer(example.unknown) for example in examples])


def share_right(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return round(float((scores.argmax(1) == truth).mean()), 4)


def best_temperature(tables: list[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> float:
    """The temperature of the lowest log-loss over tables of log-likelihoods and the true column of each row."""

    def log_loss(temperature: float) -> float:
        rows = [log_softmax(table / temperature, axis=1)[np.arange(len(truth)), truth] for table, truth in tables]
        return -float(np.concatenate(rows).mean())

    return float(min(np.geomspace(0.3, 20, 120), key=log_loss))
