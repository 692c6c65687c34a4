"""Ablation of generation: cells of the types of blood, evaluated by classifiers and distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._ablation_rewards import Realism, UniqueGenes
from benchmarks._ablation_setting import N_GENERATED, Setting
from benchmarks._gene_space import GeneSpace, distances
from benchmarks._held_out import shipped_pbmc3k
from recipes.embedded import real_cells
from sc_duality.duality import Duality
from sc_duality.tasks import Generation


def generation() -> Setting:
    """Blood: alignment on types without labels of cells, evaluation against real cells."""
    start = library.transformers_model("embedded")
    cells, test = real_cells.pbmc3k(), shipped_pbmc3k()
    cells.obs["tissue"] = "blood"
    labels = sorted(set(cells.obs["label"]))
    training, truth = library.model_sentences(cells, start), cells.obs["label"].to_numpy(str)
    real, real_labels = library.model_sentences(test, start), test.obs["label"].to_numpy(str)
    space = GeneSpace(training, sorted(start.spec.genes or ()), 0)
    expression = space.expression(training)
    classifier = LogisticRegression(C=10, max_iter=300, class_weight="balanced").fit(expression, truth)
    reference = space.embed(expression)

    def evaluate(model: library.LanguageModel, seed: int) -> dict[str, dict[str, float]]:
        generated = library.generate(
            model, dict.fromkeys(labels, N_GENERATED), tissue="blood", seed=seed, temperature=1.0
        )
        genes, types = sd.get.gene_lists(generated), generated.obs["cell_type"].to_numpy(str)
        rows = space.expression(genes)
        points, held_out = space.embed(rows), space.embed(space.expression(real))
        each = [distances(held_out[real_labels == label], points[types == label], seed)["scFID"] for label in labels]
        return {
            "pbmc3k": {
                "type fidelity": float((classifier.predict(rows) == types).mean()),
                "kNN 10": sd.metrics.knn_accuracy(reference, truth, points, types)[10],
                "scFID": float(np.mean(each)),
                "duplicate genes": float(generated.obs["cell_type_n_duplicate_genes"].mean()),
                "distinct genes": float(len({gene for one in genes for gene in one})),
            }
        }

    unlabelled = cells[np.random.default_rng(0).permutation(cells.n_obs)[:1000]]
    options: dict[str, Any] = {
        "adatas": [cells], "tasks": [Generation(labels=labels)], "context": ["tissue"], "learning_rate": 1e-4,
    }  # fmt: skip
    realism = Realism(start, library.model_sentences(unlabelled, start), labels, seed=0)
    methods: dict[str, dict[str, Any]] = {
        "duality, sampled, policy": {"duality": Duality(form="sample", n_samples=1, verifier="policy")},
        "duality, sampled, reference": {"duality": Duality(form="sample", n_samples=1)},
        "duality, likelihood": {"duality": Duality(form="likelihood")},
        "duality, posterior": {"duality": Duality()},
        "pseudo-label": {"reward": "pseudo_label"},
        "oracle": {"reward": "ground_truth", "tasks": [Generation(labels=labels, truth="label")]},
        "attempt: beta 0.4": {"duality": Duality(), "beta": 0.4},
        "attempt: with realism": {
            "duality": Duality(), "reward": ["duality", realism], "reward_weights": [1.0, 5.0],
        },
        "attempt: with realism and unique genes": {
            "duality": Duality(), "reward": ["duality", realism, UniqueGenes()], "reward_weights": [1.0, 5.0, 2.0],
        },
    }  # fmt: skip
    return Setting("embedded", options, methods, evaluate, n_steps=25)
