"""Ablation of annotation: alignment on some donors of the pancreas without labels, evaluation on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from benchmarks import _library as library
from benchmarks._ablation_rewards import PosteriorWithPrior
from benchmarks._ablation_setting import PAPER, Setting
from benchmarks._held_out import shipped_pbmc3k
from recipes.embedded import real_cells
from sc_duality.duality import Duality
from sc_duality.tasks import Annotation

#: Donors of the evaluation by set.
EVALUATED = {
    "held_out_donors": {"HPAP040"},
    "muraro": {"D30", "D31"},
    "tritschler": {"R239", "R237"},
}


def annotation() -> Setting:
    """Pancreas: alignment on some donors of each set, evaluation on the others."""
    sets = real_cells.pancreas()
    aligned, evaluated = [], {}
    for name, donors in EVALUATED.items():
        cells = sets[name]
        chosen = cells.obs["donor"].astype(str).isin(donors).to_numpy()
        aligned.append(clustered(cells[~chosen].copy()))
        evaluated[name] = cells[chosen].copy()
    return _setting(aligned, evaluated, "pancreas", n_steps=20)


def quick() -> Setting:
    """Blood: shipped cells, one update."""
    cells = shipped_pbmc3k()
    half = np.arange(cells.n_obs) % 2 == 0
    aligned, evaluated = clustered(cells[half].copy()), cells[~half][:30].copy()
    return _setting([aligned], {"pbmc3k, shipped cells": evaluated}, "blood", n_steps=1)._replace(batch_size=8)


def _setting(aligned: list[ad.AnnData], evaluated: dict[str, ad.AnnData], tissue: str, n_steps: int) -> Setting:
    start = library.transformers_model("embedded")
    labels = list(start.spec.known("annotation", "label_sets")[tissue])
    sentences = {name: library.model_sentences(cells, start) for name, cells in evaluated.items()}

    def evaluate(model: library.LanguageModel, _seed: int) -> dict[str, dict[str, float]]:
        return {
            name: {"accuracy": accuracy(model, sentences[name], cells.obs["label"].to_numpy(str), labels)}
            for name, cells in evaluated.items()
        }

    options: dict[str, Any] = {
        "adatas": aligned, "tasks": [Annotation(labels=labels)], "augment": True, "learning_rate": 1e-4,
    }  # fmt: skip
    methods: dict[str, dict[str, Any]] = {
        "duality, sampled, policy": {"duality": replace(PAPER, verifier="policy")},
        "duality, sampled, reference": {"duality": PAPER},
        "duality, likelihood": {"duality": Duality(form="likelihood")},
        "duality, posterior": {"duality": Duality()},
        "pseudo-label": {"reward": "pseudo_label"},
        "oracle": {"reward": "ground_truth", "tasks": [Annotation(labels=labels, truth="label")]},
        "attempt: genes beyond the prompt": {"duality": Duality(hidden="beyond")},
        "attempt: other cells of the cluster": {"duality": Duality(hidden="cluster", cluster="cluster")},
        "attempt: posterior with the model's prior": {"reward": PosteriorWithPrior(start, labels)},
        "attempt: rewards scaled by batch, temperature 1.5": {
            "duality": Duality(), "scale_rewards": "batch", "temperature": 1.5,
        },
    }  # fmt: skip
    return Setting("embedded", options, methods, evaluate, n_steps)


def clustered(cells: ad.AnnData, n_clusters: int = 20) -> ad.AnnData:
    """Add ``obs["cluster"]`` from k-means on principal components."""
    counts = np.asarray(cells.X.todense(), dtype=float)
    log = np.log1p(1e4 * counts / np.maximum(counts.sum(1, keepdims=True), 1))
    variable = np.argsort(-log.var(0))[:1000]
    log = log[:, variable] - log[:, variable].mean(0)
    left, scale, _ = np.linalg.svd(log, full_matrices=False)
    means = KMeans(min(n_clusters, cells.n_obs // 5), random_state=0)
    cells.obs["cluster"] = means.fit_predict((left * scale)[:, :20]).astype(str)
    return cells


def accuracy(
    model: library.LanguageModel, cells: Sequence[list[str]], truth: NDArray[np.str_], labels: list[str]
) -> float:
    """Accuracy of the most probable label."""
    questions, completions = library.annotation_questions(model, cells, labels)
    scores = model.score([question.prompt for question in questions], completions)
    return float((np.array(labels)[scores.argmax(1)] == truth).mean())
