"""Alignment: a model learns from how well its own answers explain cells, without labels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import _keys
from .._data import modality, seed
from .._settings import settings
from ..models import LanguageModel, ModelSpec
from ..tasks import Perturbation
from ..train._judge import FORM, GIVEN, HIDDEN_FRACTION, Dual, Form, Given
from ..train._lesson import Lesson
from ..train._reward import DualityReward, TruthReward
from ..train._run import Run, Trained, digest
from ..train._schedule import Schedule
from ..train._trl import check_trl
from ._ask import genes_asked
from ._corpus import Corpus
from ._lessons import SOURCES, Columns
from ._starting import several, start_of
from ._unlabelled import Asked, Hidden, check_hidden, questions

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

Reward = Literal["duality", "ground_truth"] | Callable[..., Sequence[float | None]]
Verifier = Literal["policy", "reference"] | LanguageModel
#: Labelled lessons of each task that the dual is measured on.
_MEASURED = 64

#: What is taken where nothing is asked for. The paper: Llama is aligned with G = 8, 512 completions a rollout in
#: mini-batches of 32, and 200 rollouts; the policy judges itself by what it writes (CellDuality §3.4.1 and §4.1; that
#: 512 counts completions, and 200 rollouts, is how we read it).
PRESETS: dict[str, dict[str, Any]] = {
    "classic": {"dual": FORM, "given": GIVEN, "hidden_fraction": HIDDEN_FRACTION, "verifier": "reference"},
    "paper": {
        "dual": "sample",
        "given": "observed",
        "hidden_fraction": 0.3,
        "verifier": "policy",
        "group_size": 8,
        "rollout": 512,
        "batch_size": 32,
        "steps": 200 * 512 // 32,
    },
}


def train_grpo_duality(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    model: str | Path,
    out: str | Path,
    *,
    tasks: Sequence[str] = ("annotation",),
    reward: Reward | Sequence[Reward] = "duality",
    reward_weights: Sequence[float] | None = None,
    dual: Form | None = None,
    given: Given | None = None,
    hidden: Hidden = "random",
    hidden_fraction: float | None = None,
    draws: int = 1,
    cluster: str | None = None,
    verifier: Verifier | None = None,
    invalid_reward: float = 0.0,
    labels: Sequence[str] | str | None = None,
    truth: str | None = None,
    labelled: AnnData | MuData | Sequence[AnnData | MuData] | None = None,
    sensitivity: str | None = None,
    drug: str | None = None,
    perturbation: str | None = None,
    perturbations: Mapping[str, Perturbation | Sequence[str]] | None = None,
    match: Sequence[str] = (),
    context: Sequence[str] = (),
    n_genes: int | None = None,
    augment: bool = False,
    preset: Literal["classic", "paper"] = "classic",
    group_size: int | None = None,
    rollout: int | None = None,
    batch_size: int | None = None,
    steps: int | None = None,
    learning_rate: float | None = None,
    beta: float | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    lora: int | Mapping[str, Any] | None = None,
    key: str = _keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    **options: Any,
) -> Trained:
    spec = start_of(model, tasks, SOURCES)
    check_hidden(hidden, cluster)
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    asked_for = {
        "dual": dual, "given": given, "hidden_fraction": hidden_fraction, "verifier": verifier,
        "group_size": group_size, "rollout": rollout, "batch_size": batch_size, "steps": steps,
        "learning_rate": learning_rate, "beta": beta, "temperature": temperature,
    }  # fmt: skip
    chosen = PRESETS[preset] | {name: value for name, value in asked_for.items() if value is not None}
    number = seed(rng)
    genes = genes_asked(spec, n_genes)
    how = Dual(*(chosen.pop(name) for name in ("dual", "given", "hidden_fraction")), draws, number, genes)
    judge = _checked(chosen.pop("verifier"))
    plan = Schedule(**chosen)
    kinds = [reward] if isinstance(reward, str) or callable(reward) else list(reward)
    weights = _weights(kinds, reward_weights)

    columns = Columns(truth, sensitivity, drug, perturbation, perturbations or {}, tuple(match))
    asked = Asked(columns, labels, how, hidden, cluster, truth="ground_truth" in kinds, augment=augment)
    generator = np.random.default_rng(number)

    def lessons_of(some: Any, asked: Asked, n: int) -> list[Lesson]:
        corpora = [
            Corpus(modality(adata, mod), spec, key=key, n_genes=n_genes, context=context) for adata in several(some)
        ]
        each = -(-n // (len(corpora) * len(tasks)))
        found = [questions(one, spec, task, asked, each, generator) for one in corpora for task in tasks]
        return [lesson for lessons in zip(*found, strict=True) for lesson in lessons]

    n_asked = max(plan.steps * plan.batch_size, plan.rollout) // plan.group_size
    lessons = lessons_of(adatas, asked, n_asked)
    known = [] if labelled is None else lessons_of(
        labelled, asked._replace(truth=True, augment=False), _MEASURED * len(tasks)
    )  # fmt: skip
    run = Run(
        out,
        {
            "kind": "grpo", "model": spec.name, "fingerprint": spec.fingerprint, "tasks": list(tasks),
            "data": digest(lessons), "reward": [_name(kind) for kind in kinds], "weights": weights,
            "verifier": judge if isinstance(judge, str) else judge.spec.name, "hidden": hidden,
            "invalid_reward": invalid_reward, "lora": lora, **asdict(how), **asdict(plan), "options": options,
        },
    )  # fmt: skip
    finished = run.finished()
    if finished is not None:
        logger.info("%s holds this run, finished", run.folder)
        return finished
    check_trl()
    from ..train._grpo import Alignment, align

    rewards = [one for kind in kinds for one in _rewards(kind, lessons, tasks, how, invalid_reward)]
    weights = [
        weight for kind, weight in zip(kinds, weights, strict=True) for _ in range(1 if callable(kind) else len(tasks))
    ]
    room = max_tokens or _room(spec, tasks, genes)
    return align(
        spec,
        lessons,
        known,
        Alignment(rewards, weights, judge, plan, room, lora, number, options),
        run,
        progress=settings.progress,
    )


def _checked(verifier: Any) -> Verifier:
    if isinstance(verifier, LanguageModel) or verifier in ("policy", "reference"):
        return verifier
    raise ValueError(f"verifier must be 'policy', 'reference' or a loaded model (sd.models.load), not {verifier!r}")


def _weights(kinds: Sequence[Reward], weights: Sequence[float] | None) -> list[float]:
    strange = [kind for kind in kinds if not callable(kind) and kind not in ("duality", "ground_truth")]
    if strange or not kinds:
        raise ValueError(
            f"reward must be 'duality', 'ground_truth', a function as TRL calls it, or a list of these, got {kinds!r}"
        )
    if weights is None:
        return [1.0] * len(kinds)
    if len(weights) != len(kinds):
        raise ValueError(f"there are {len(kinds)} rewards and {len(weights)} reward_weights: pass one each")
    return [float(weight) for weight in weights]


def _name(kind: Reward) -> str:
    return kind if isinstance(kind, str) else getattr(kind, "__name__", type(kind).__name__)


def _rewards(
    kind: Reward, lessons: Sequence[Lesson], tasks: Sequence[str], how: Dual, invalid_reward: float
) -> list[Any]:
    """Functions for TRL: one a task, so that each is logged by itself."""
    if callable(kind):
        return [kind]
    if kind == "duality":
        return [DualityReward(f"duality_{task}", lessons, task, how, invalid_reward) for task in tasks]
    return [TruthReward(f"ground_truth_{task}", lessons, task, invalid_reward) for task in tasks]


def _room(spec: ModelSpec, tasks: Sequence[str], n_genes: int) -> int:
    """Tokens that an answer needs: a label one word, a cell ``n_genes``, and each an end."""
    words = n_genes if {"generation", "response"} & set(tasks) else 1
    return spec.room_for(words) + 1
