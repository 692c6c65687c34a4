"""Ablation of response: a cell type, and a knockdown, that supervised training held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._ablation_rewards import UniqueGenes
from benchmarks._ablation_setting import HELD_OUT, N_GENERATED, Setting
from benchmarks._gene_space import GeneSpace, distances
from recipes.embedded import real_cells
from recipes.embedded.perturbed_cells import FOLDS
from sc_duality.duality import Duality
from sc_duality.tasks import Response


def training_sets() -> list[ad.AnnData]:
    """Interferon and knockdowns, without the held-out cells."""
    kang, stem = real_cells.kang_response(), real_cells.crispri()
    treated = (kang.obs["perturbation"] != str(real_cells.CONTROL)).to_numpy()
    kept = ~(treated & (kang.obs["label"] == HELD_OUT.label).to_numpy())
    return [kang[kept].copy(), stem[(stem.obs["perturbation"] != f"knockdown {HELD_OUT.target}").to_numpy()].copy()]


def perturbations_of(cells: ad.AnnData) -> dict[str, library.Perturbation]:
    """The perturbation of each value of ``obs["perturbation"]``."""
    knockdowns = (library.Perturbation("knockdown", fold.target) for fold in FOLDS)
    every = (real_cells.CONTROL, real_cells.INTERFERON, *knockdowns)
    return {str(each): each for each in every if str(each) in set(cells.obs["perturbation"])}


def response(perturbations: dict[str, library.Perturbation]) -> Response:
    """The response task of these cells."""
    control = str(real_cells.CONTROL)
    return Response(perturbation="perturbation", control=control, perturbations=perturbations, match=["group"])


def more_supervised_training(fold: Path, out: Path) -> Path:
    """Supervised training on pairs of cells, half of them of control cells."""
    sets = training_sets()
    perturbations = perturbations_of(sets[0]) | perturbations_of(sets[1])
    return sd.tl.train_sft(
        sets, fold, out, tasks=[response(perturbations)], held_out=0.1, num_train_epochs=6, learning_rate=3e-4, rng=0,
    ).model  # fmt: skip


def interferon(fold: Path, folder: Path) -> Setting:
    """Interferon in a type whose treated cells are held out: alignment on one donor, evaluation on the other."""
    cells = real_cells.kang_response()
    cells = cells[(cells.obs["label"] == HELD_OUT.label).to_numpy()].copy()
    evaluated = (cells.obs["donor"].astype(str) == "107").to_numpy()
    setting = _setting(fold, cells[~evaluated].copy(), cells[evaluated].copy(), real_cells.INTERFERON)
    supervised, start = more_supervised_training(fold, folder / "response-sft"), library.transformers_model(fold)
    attempts: dict[str, dict[str, Any]] = {
        "attempt: more supervised training": {"start": supervised, "max_steps": 0},
        "attempt: more supervised training, verifier is the start": {
            "start": supervised, "duality": Duality(verifier=start),
        },
        "attempt: beta 0.4": {"duality": Duality(), "beta": 0.4},
        "attempt: with unique genes": {
            "duality": Duality(), "reward": ["duality", UniqueGenes()], "reward_weights": [1.0, 2.0],
        },
    }  # fmt: skip
    return setting._replace(methods=setting.methods | attempts)


def knockdown(fold: Path) -> Setting:
    """A held-out knockdown: alignment on one half of the cells, evaluation on the other."""
    perturbation = library.Perturbation("knockdown", HELD_OUT.target)
    cells = real_cells.crispri()
    cells = cells[cells.obs["perturbation"].isin([str(real_cells.CONTROL), str(perturbation)]).to_numpy()].copy()
    half = np.random.default_rng(0).random(cells.n_obs) < 0.5
    return _setting(fold, cells[~half].copy(), cells[half].copy(), perturbation)._replace(n_steps=8)


def _setting(start: Path, aligned: ad.AnnData, evaluated: ad.AnnData, perturbation: library.Perturbation) -> Setting:
    model = library.transformers_model(start)
    is_control = (evaluated.obs["perturbation"] == str(real_cells.CONTROL)).to_numpy()
    all_control, perturbed = evaluated[is_control].copy(), evaluated[~is_control].copy()
    control = all_control[: min(all_control.n_obs, 2 * N_GENERATED)].copy()
    training = [genes for cells in training_sets() for genes in library.model_sentences(cells, model)]
    space = GeneSpace(training, sorted(model.spec.genes or ()), 0)
    base = space.expression(library.model_sentences(control, model))
    real = space.expression(library.model_sentences(perturbed, model))
    observed = real.mean(0) - space.expression(library.model_sentences(all_control, model)).mean(0)

    def evaluate(policy: library.LanguageModel, seed: int) -> dict[str, dict[str, float]]:
        predicted = library.perturb(control, perturbation, policy, seed=seed)
        rows = space.expression(sd.get.gene_lists(predicted))
        change = rows.mean(0) - base.mean(0)
        correlation = sd.metrics.pearson(observed, change) if np.ptp(change) else 0.0
        return {"held out": {"correlation": correlation, **distances(space.embed(real), space.embed(rows), seed)}}

    options: dict[str, Any] = {
        "adatas": [aligned], "tasks": [response(perturbations_of(aligned))], "learning_rate": 1e-4,
    }  # fmt: skip
    methods: dict[str, dict[str, Any]] = {
        "duality, sampled, policy": {"duality": Duality(form="sample", n_samples=1, verifier="policy")},
        "duality, sampled, reference": {"duality": Duality(form="sample", n_samples=1)},
        "duality, likelihood": {"duality": Duality(form="likelihood")},
        "duality, posterior": {"duality": Duality()},
        "pseudo-label": {"reward": "pseudo_label"},
        "oracle": {"reward": "ground_truth"},
    }
    return Setting(start, options, methods, evaluate, n_steps=15)
