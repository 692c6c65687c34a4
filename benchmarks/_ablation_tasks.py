"""What the ablation aligns and judges: annotation, generation and response, each with cells that were never learned."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

import sc_duality as sd
from benchmarks import _cells
from benchmarks._ablation_rewards import ANNOTATION, Distinct, OwnCell, PriorKept, PseudoLabel, Realism, frozen
from benchmarks._responses import FOLDS
from benchmarks._sentences import sentences
from benchmarks.tasks import Space, distances
from sc_duality.models import SPEC_FILE, LanguageModel
from sc_duality.tasks import Perturbation, annotation_example

#: Which donors judge; the others are aligned on, without their labels.
JUDGES = {
    "held-out donors": {"HPAP040"},
    "Muraro": {"D30", "D31"},
    "Tritschler": {"R239", "R237"},
}
#: What is left out of the supervised training of response: interferon in this type, and this knockdown.
LEFT_OUT = FOLDS[3]
#: Written cells of each type or question.
WRITTEN = 40


class Setting(NamedTuple):
    """One task: the start, what alignment is given, the methods, and how the result is judged."""

    start: Path | str
    align: dict[str, Any]
    methods: dict[str, dict[str, Any]]
    #: From a model and a seed to numbers by name of the set; the first of each set is the one that gaps are taken of.
    judge: Callable[[LanguageModel, int], dict[str, dict[str, float]]]
    #: Updates, and answers of each.
    steps: int
    answers: int


# --- annotation -------------------------------------------------------------------------------------------------------


def read(engine: LanguageModel, cells: ad.AnnData) -> list[list[str]]:
    """Cells as the model reads them."""
    return sentences(cells, engine.spec.genes or (), engine.spec.n_genes)


def random_weights(like: str | Path, out: Path) -> Path:
    """The architecture without what it has learned: the base."""
    source = Path(sd.models.resolve(like).source)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(source)).float().save_pretrained(out)
    AutoTokenizer.from_pretrained(source).save_pretrained(out)
    shutil.copy(source / SPEC_FILE, out)
    return out


def annotation(steps: int = 20) -> Setting:
    """Pancreas: alignment on some donors of each set, without their labels, judged on the others."""
    found = _cells.pancreas()
    engine = frozen("embedded")
    labels = list(engine.spec.known("annotation", "label_sets")["pancreas"])
    seen, judged = [], {}
    for name, key in zip(JUDGES, ("held_out_donors", "muraro", "tritschler"), strict=True):
        cells = found[key]
        judges = cells.obs["donor"].astype(str).isin(JUDGES[name]).to_numpy()
        seen.append(clustered(cells[~judges].copy()))
        judged[name] = (read(engine, cells[judges]), cells.obs["label"].to_numpy(str)[judges])

    def judge(model: LanguageModel, _seed: int) -> dict[str, dict[str, float]]:
        return {name: {"accuracy": right(model, genes, truth, labels)} for name, (genes, truth) in judged.items()}

    align: dict[str, Any] = {
        "adatas": seen, "tasks": ["annotation"], "labels": labels, "augment": True, "learning_rate": 1e-4,
    }  # fmt: skip
    paper = {"dual": "sample", "given": "observed", "hidden_fraction": 0.3}
    methods = {
        "duality, sampled, policy": {**paper, "verifier": "policy"},
        "duality, sampled, reference": paper,
        "duality, likelihood": {"dual": "likelihood"},
        "duality, posterior": {"dual": "posterior"},
        "pseudo-label": {"reward": PseudoLabel(engine, labels)},
        "oracle": {"reward": "ground_truth", "truth": "label"},
        "attempt: genes beyond those shown": {"dual": "posterior", "hidden": "beyond"},
        "attempt: other cells of the cluster": {"dual": "posterior", "hidden": "cluster", "cluster": "cluster"},
        "attempt: posterior with the prior kept": {"reward": PriorKept(engine, labels)},
        "attempt: scaled by batch, hotter": {"dual": "posterior", "scale_rewards": "batch", "temperature": 1.5},
    }
    return Setting("embedded", align, methods, judge, steps, 32)


def clustered(cells: ad.AnnData, n: int = 20) -> ad.AnnData:
    """With ``obs["cluster"]``, found without labels."""
    counts = np.asarray(cells.X.todense(), dtype=float)
    log = np.log1p(1e4 * counts / np.maximum(counts.sum(1, keepdims=True), 1))
    best = np.argsort(-log.var(0))[:1000]
    log = log[:, best] - log[:, best].mean(0)
    left, scale, _ = np.linalg.svd(log, full_matrices=False)
    cells.obs["cluster"] = (
        KMeans(min(n, cells.n_obs // 5), random_state=0).fit_predict((left * scale)[:, :20]).astype(str)
    )
    return cells


def right(model: LanguageModel, cells: Sequence[list[str]], truth: NDArray[np.str_], labels: list[str]) -> float:
    prompts = [ANNOTATION.prompt(annotation_example(genes, labels)) for genes in cells]
    scores = model.score(prompts, [ANNOTATION.answer(label) for label in labels])
    return float((np.array(labels)[scores.argmax(1)] == truth).mean())


# --- generation -------------------------------------------------------------------------------------------------------


def generation() -> Setting:
    """Blood: cells of asked types, judged by classifiers of real cells and by their distance to real cells."""
    engine = frozen("embedded")
    known = engine.spec.genes
    cells = _cells.pbmc3k()
    cells.obs["tissue"] = "blood"
    test = sd.datasets.pbmc3k()
    test.obs["label"] = test.obs["cell_type"].astype(str).replace(_cells.SYNONYMS)
    labels = sorted(set(cells.obs["label"]))
    learned, truth = read(engine, cells), cells.obs["label"].to_numpy(str)
    real, of = read(engine, test), test.obs["label"].to_numpy(str)
    space = Space(learned, sorted(known), 0)
    levels = space.levels(learned)
    classifier = LogisticRegression(C=10, max_iter=300, class_weight="balanced").fit(levels, truth)
    reference = space.embed(levels)

    def judge(model: LanguageModel, seed: int) -> dict[str, dict[str, float]]:
        written = sd.tl.generate(model, dict.fromkeys(labels, WRITTEN), tissue="blood", rng=seed)
        genes, asked = sd.get.gene_lists(written), written.obs["cell_type"].to_numpy(str)
        rows = space.levels(genes)
        points, held = space.embed(rows), space.embed(space.levels(real))
        each = [distances(held[of == label], points[asked == label], seed)["scFID"] for label in labels]
        return {
            "pbmc3k": {
                "type fidelity": float((classifier.predict(rows) == asked).mean()),
                "kNN 10": sd.metrics.knn_accuracy(reference, truth, points, asked)[10],
                "scFID": float(np.mean(each)),
                "doubled genes": float(written.obs["cell_type_n_duplicate_genes"].mean()),
                "distinct genes": float(len({gene for one in genes for gene in one})),
            }
        }

    pool = read(engine, cells[np.random.default_rng(0).permutation(cells.n_obs)[:1000]])
    align: dict[str, Any] = {
        "adatas": [cells], "tasks": ["generation"], "labels": labels, "context": ["tissue"], "learning_rate": 1e-4,
    }  # fmt: skip
    realism = Realism(engine, pool, labels, seed=0)
    both: dict[str, Any] = {"dual": "posterior", "reward": ["duality", realism]}
    methods = {
        "duality, sampled, policy": {"dual": "sample", "verifier": "policy"},
        "duality, sampled, reference": {"dual": "sample"},
        "duality, likelihood": {"dual": "likelihood"},
        "duality, posterior": {"dual": "posterior"},
        "pseudo-label": {"reward": OwnCell(engine)},
        "oracle": {"reward": "ground_truth", "truth": "label"},
        "attempt: held closer to the start": {"dual": "posterior", "beta": 0.4},
        "attempt: and like a real cell": {**both, "reward_weights": [1.0, 5.0]},
        "attempt: and like a real cell, genes once": {
            "dual": "posterior", "reward": ["duality", realism, Distinct()], "reward_weights": [1.0, 5.0, 2.0],
        },
    }  # fmt: skip
    return Setting("embedded", align, methods, judge, 25, 32)


# --- response ---------------------------------------------------------------------------------------------------------


def without_left_out() -> list[ad.AnnData]:
    """Perturbed cells to learn response from: interferon and knockdowns, without what is judged."""
    kang, stem = _cells.kang_response(), _cells.crispri()
    treated = (kang.obs["perturbation"] != str(_cells.CONTROL)).to_numpy()
    kept = ~(treated & (kang.obs["label"] == LEFT_OUT.label).to_numpy())
    return [kang[kept].copy(), stem[(stem.obs["perturbation"] != f"knockdown {LEFT_OUT.target}").to_numpy()].copy()]


def meanings(cells: ad.AnnData) -> dict[str, Perturbation]:
    """What each value of ``obs["perturbation"]`` means."""
    every = (_cells.CONTROL, _cells.INTERFERON, *(Perturbation("knockdown", target) for target in _knockdowns()))
    return {str(one): one for one in every if str(one) in set(cells.obs["perturbation"])}


def _knockdowns() -> tuple[str, ...]:
    return tuple(fold.target for fold in FOLDS)


def supervised_response(fold: Path, out: Path) -> Path:
    """More supervised training on pairs, half of them untreated."""
    sets = without_left_out()
    every = meanings(sets[0]) | meanings(sets[1])
    return sd.tl.train_sft(
        sets, fold, out, tasks=["response"], perturbation="perturbation", perturbations=every, match=["group"],
        held_out=0.1, epochs=6, learning_rate=3e-4, rng=0,
    ).model  # fmt: skip


def interferon(fold: Path, folder: Path) -> Setting:
    """Interferon in a type whose treated cells supervised training never showed; one donor judges the other."""
    cells = _cells.kang_response()
    cells = cells[(cells.obs["label"] == LEFT_OUT.label).to_numpy()].copy()
    judges = (cells.obs["donor"].astype(str) == "107").to_numpy()
    setting = _response(fold, cells[~judges].copy(), cells[judges].copy(), _cells.INTERFERON)
    more, judge = supervised_response(fold, folder / "response-sft"), frozen(fold)
    attempts: dict[str, dict[str, Any]] = {
        "attempt: more supervised training": {"start": more, "steps": 0},
        "attempt: that, judged by the start": {"start": more, "dual": "posterior", "verifier": judge},
        "attempt: held closer to the start": {"dual": "posterior", "beta": 0.4},
        "attempt: genes once": {"dual": "posterior", "reward": ["duality", Distinct()], "reward_weights": [1.0, 2.0]},
    }
    return setting._replace(methods=setting.methods | attempts)


def knockdown(fold: Path) -> Setting:
    """A knockdown that supervised training never showed; one half of the cells judges the other."""
    done = Perturbation("knockdown", LEFT_OUT.target)
    cells = _cells.crispri()
    cells = cells[cells.obs["perturbation"].isin([str(_cells.CONTROL), str(done)]).to_numpy()].copy()
    half = np.random.default_rng(0).random(cells.n_obs) < 0.5
    return _response(fold, cells[~half].copy(), cells[half].copy(), done)._replace(steps=8)


def _response(start: Path, seen: ad.AnnData, judged: ad.AnnData, done: Perturbation) -> Setting:
    engine = frozen(start)
    known = engine.spec.genes
    is_control = (judged.obs["perturbation"] == str(_cells.CONTROL)).to_numpy()
    control, treated = judged[is_control].copy(), judged[~is_control].copy()
    control = control[: min(control.n_obs, 2 * WRITTEN)].copy()
    before, after = read(engine, control), read(engine, treated)
    others = without_left_out()
    space = Space([genes for cells in others for genes in read(engine, cells)], sorted(known), 0)
    base, real = space.levels(before), space.levels(after)
    observed = real.mean(0) - space.levels(read(engine, judged[is_control].copy())).mean(0)

    def judge(model: LanguageModel, seed: int) -> dict[str, dict[str, float]]:
        written = sd.tl.perturb(control, done, model, rng=seed)
        rows = space.levels(sd.get.gene_lists(written))
        change = rows.mean(0) - base.mean(0)
        found = sd.metrics.pearson(observed, change) if np.ptp(change) else 0.0
        return {"left out": {"correlation": found, **distances(space.embed(real), space.embed(rows), seed)}}

    align: dict[str, Any] = {
        "adatas": [seen], "tasks": ["response"], "perturbation": "perturbation", "match": ["group"],
        "perturbations": meanings(seen), "learning_rate": 1e-4,
    }  # fmt: skip
    methods: dict[str, dict[str, Any]] = {
        "duality, sampled, policy": {"dual": "sample", "verifier": "policy"},
        "duality, sampled, reference": {"dual": "sample"},
        "duality, likelihood": {"dual": "likelihood"},
        "duality, posterior": {"dual": "posterior"},
        "pseudo-label": {"reward": OwnCell(engine)},
        "oracle": {"reward": "ground_truth"},
    }
    return Setting(start, align, methods, judge, 15, 32)
