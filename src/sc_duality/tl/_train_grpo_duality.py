"""Alignment: a model learns from how well its own answers explain cells, without labels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._settings import settings
from ..cells import adata_keys, modality, seed
from ..models import LanguageModel, ModelSpec
from ..tasks import Perturbation
from ..train._judge import FORM, GIVEN, HIDDEN_FRACTION, Dual, Form, Given
from ..train._lesson import Lesson
from ..train._reward import DualityReward, TruthReward
from ..train._run import Run, Trained, digest
from ..train._schedule import Schedule
from ..train._settings import check_options
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
    key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    **options: Any,
) -> Trained:
    """Align a model with cells that have no labels, by how well its own answers explain them.

    The policy answers each question several times. Each answer is rewarded by its dual: of a label, how well it gives
    back genes of the cell that the question did not show; of a cell that was written, whether it gives back the type
    or the perturbation that was asked for. Answers that do better than others to the same question become likelier.
    No label is read, unless ``reward`` or ``labelled`` ask for it.

    Alignment pulls towards the judgement of the dual. That helps where the dual knows more than the answers do:
    measure it with ``labelled`` first, and read the warnings.

    Parameters
    ----------
    adatas
        Cells, one object or several. Sentences are written first if there are none.
    model
        What to go on from, which must do the tasks and their duals already, such as what :func:`train_sft` returns: a
        name of :func:`sc_duality.models.available`, a folder, or a hub repository.
    out
        Folder for the model. One that holds the same run, unfinished, is gone on with from its last checkpoint, and
        ends as if it had never been stopped; one that holds it finished is returned at once.
    tasks
        Some of ``"annotation"``, ``"sensitivity"``, ``"generation"`` and ``"response"``, each asked as often as the
        others.
    reward
        ``"duality"``; ``"ground_truth"``, the oracle that needs labels; a function in the signature of TRL; or a list
        of these, which are added up.
    reward_weights
        A weight for each of ``reward``; 1 by default.
    dual, given, hidden_fraction, draws
        How the dual is asked: form, what it is shown, share of hidden genes and draws of ``"sample"``, as for
        :func:`duality`. By default as ``preset`` says.
    hidden
        Which genes the dual of a label has to give back. ``"random"``: a share of those in the cell's sentence.
        ``"beyond"``: those that follow after the sentence, as many again, which no question shows.
        ``"cluster"``: those that rank best over up to 20 other cells of the cell's cluster, which tell what one cell
        was too shallow to show.
    cluster
        ``obs`` column with clusters, for ``hidden="cluster"``.
    verifier
        Who judges: ``"reference"``, the model that the run started from; ``"policy"``, the model as it is now, which
        may come to agree with itself on what nobody else understands; or a loaded model, see
        :func:`sc_duality.models.load`.
        By default as ``preset`` says.
    invalid_reward
        Reward of an answer that cannot be read or judged.
    labels
        Types to choose from or to ask for, as for :func:`annotate`: a list, an ``obs`` column (which is read for its
        set of values alone), one of the model's label sets, or all that it knows.
    truth
        ``obs`` column with true types, for ``"ground_truth"`` and ``labelled``.
    labelled
        Cells with a truth, from other donors. Nothing is learned from them: the accuracy of answers and duals on up
        to 64 of them a task is measured before, ten times along the way and after.
    sensitivity, drug
        For sensitivity: ``obs`` column with the labels to choose from (by default the model's own, or sensitive and
        resistant), and the drug.
    perturbation, perturbations, match
        For response: which cells are controls, as for :func:`train_sft`. Controls are asked about under each
        perturbation in turn.
    context
        ``obs`` columns with facts that the model is told.
    n_genes
        Genes of a sentence; by default what the model is made for.
    augment
        Whether cells are shown as other laboratories might have seen them, as for :func:`train_sft`.
    preset
        ``"classic"``: the posterior form on the label alone with all genes hidden, judged by the start of the run, 200
        updates of 64 answers. ``"paper"``: what the model writes is compared, 30 % of the genes hidden, judged by the
        policy itself, rollouts of 512 answers in updates of 32, 200 rollouts. What is passed by name comes first.
    group_size
        Answers to one question, G.
    rollout
        Answers that are written before the policy changes.
    batch_size
        Answers of one update, over all processes.
    steps
        Updates.
    learning_rate
        Of AdamW, constant; 1e-6 by default.
    beta
        Weight of the divergence from the start of the run; 0.04 by default.
    temperature
        Of the answers; 1 by default.
    max_tokens
        Tokens of an answer; by default what a label or ``n_genes`` genes need, and room to reason for general models.
    lora
        Rank of a low-rank adapter, or the fields of a ``peft.LoraConfig``; by default all weights are trained. The
        adapter is merged in the end.
    key
        Where the cell sentences lie.
    mod
        Modality, if an object is a MuData.
    rng
        Seed of everything that is drawn.
    options
        More for ``trl.GRPOConfig``, such as ``use_vllm=True`` with ``vllm_mode="colocate"`` or ``"server"``, which
        then writes answers and duals, ``per_device_train_batch_size=4`` or ``loss_type="dapo"``.

    Returns
    -------
    A named pair:

    ``model``
        ``out``. It holds weights, tokenizer and ``sc_duality.json`` (how the model wants to be asked), so that
        ``model=`` takes it everywhere; ``history.csv``; ``training.json`` with all settings, versions, and with
        ``labelled`` the ``accuracy_before`` and ``accuracy`` of answers and duals; and ``checkpoints``.
    ``history``
        DataFrame with one row a step, where what is known of a rollout stands at its first step: ``reward`` (mean
        over answers) and ``reward_std`` (over those of a group);
        ``duality_<task>/mean``, ``/std`` and ``/valid`` (share of answers that could be read), and the same of other
        rewards; ``zero_variance`` (share of groups in which all answers got the same reward, from which nothing is
        learned); ``kl`` (divergence from the start, nats a token), ``entropy``, ``length``, ``cut_off`` (share of
        answers without an end), ``tokens`` so far, ``tokens_per_second``; and with ``labelled``,
        ``<task>/accuracy`` and ``<task>/dual_accuracy``: a reward that rises while the latter falls is collusion.

    Raises
    ------
    ValueError, KeyError, TypeError
        If something in the input cannot be used: too few cells for a rollout, a question or its dual longer than the
        model reads, a model behind a server, ... All before the model is loaded; says what and how to mend it.
    FileExistsError
        ``out`` holds another run, or other files.
    ImportError
        TRL is missing, or of a release that was never tried.

    Notes
    -----
    This is CellDuality §3.4. A question is x = (x_k, x_u), of which the policy is shown x_k or, for cells that are to
    be written, all; y is its answer, and the dual gives x̂_u back from y and x_k. Cells that were written are rewarded
    by r(y|x) = 1[x̂_u = x_u] (equation 2), labels by the rank-weighted Jaccard similarity of hidden genes (equation 3;
    :func:`sc_duality.rewards.rank_weighted_jaccard`). The G rewards of a question become advantages
    A_k = (r_k − mean) / (std + ε) (equation 4), and the policy π goes up the gradient of
    E[min(ρ A, clip(ρ, 1 − ε_c, 1 + ε_c) A) − β KL(π‖π_ref)] (equation 5), where ρ is the ratio of π to the policy that
    wrote the answer, token by token, and π_ref the start of the run.

    Ours are the forms ``"likelihood"`` and ``"posterior"``, which write nothing and thus cost one pass and no noise;
    ``given="label"``; the judge ``"reference"``; and ``hidden="beyond"`` and ``"cluster"``. The paper does not say
    whether its 512 are questions or answers: answers are meant here.

    Several processes train one model with ``accelerate launch`` on a script that calls this, or on
    ``python -m sc_duality``.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> model, history = sd.tl.train_grpo_duality(
    ...     adata, "embedded", "aligned", labels="blood", steps=20, rollout=32, batch_size=32
    ... )  # doctest: +SKIP
    >>> sd.tl.annotate(adata, model, labels="blood")  # doctest: +SKIP
    """
    spec = start_of(model, tasks, SOURCES)
    check_hidden(hidden, cluster)
    check_options(options, lora)
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
    how = Dual(
        chosen.pop("dual"), chosen.pop("given"), chosen.pop("hidden_fraction"), draws=draws, seed=number, n_genes=genes
    )
    judge = _checked(chosen.pop("verifier"))
    plan = Schedule(**chosen)
    kinds = [reward] if isinstance(reward, str) or callable(reward) else list(reward)
    weights = _weights(kinds, reward_weights)
    room = _room(spec, tasks, genes) if max_tokens is None else max_tokens
    if isinstance(room, bool) or not isinstance(room, int) or room < 1:
        raise ValueError(f"max_tokens must be a positive integer, got {max_tokens!r}")

    columns = Columns(truth, sensitivity, drug, perturbation, perturbations or {}, tuple(match))
    asked = Asked(columns, labels, how, hidden, cluster, truth="ground_truth" in kinds, augment=augment)
    generator = np.random.default_rng(number)

    def corpora(some: Any) -> list[Corpus]:
        return [Corpus(modality(one, mod), spec, key=key, n_genes=n_genes, context=context) for one in several(some)]

    def lessons_of(cells: list[Corpus], asked: Asked, n: int) -> list[Lesson]:
        each = -(-n // (len(cells) * len(tasks)))
        found = [questions(one, spec, task, asked, each, generator) for one in cells for task in tasks]
        return [lesson for lessons in zip(*found, strict=True) for lesson in lessons]

    cells = corpora(adatas)
    _check_enough(cells, tasks, plan)
    lessons = lessons_of(cells, asked, max(plan.steps * plan.batch_size, plan.rollout) // plan.group_size)
    known = [] if labelled is None else lessons_of(
        corpora(labelled), asked._replace(truth=True, augment=False), _MEASURED * len(tasks)
    )  # fmt: skip
    run = Run(
        out,
        {
            "kind": "grpo", "model": spec.name, "fingerprint": spec.fingerprint, "tasks": list(tasks),
            "data": digest(lessons), "measured": digest(known), "reward": [_name(kind) for kind in kinds],
            "weights": weights, "verifier": judge if isinstance(judge, str) else judge.spec.name, "hidden": hidden,
            "invalid_reward": invalid_reward, "max_tokens": room, "lora": lora, **asdict(how), **asdict(plan),
            "options": options,
        },
    )  # fmt: skip
    finished = run.finished()
    if finished is not None:
        return finished
    check_trl()
    from ..train._room import check_room

    check_room(spec, lessons, known, how, room)
    from ..train._grpo import Alignment, align
    from ..train._progress import bars

    rewards = [one for kind in kinds for one in _rewards(kind, lessons, tasks, how, invalid_reward)]
    weights = [
        weight for kind, weight in zip(kinds, weights, strict=True) for _ in range(1 if callable(kind) else len(tasks))
    ]
    alignment = Alignment(rewards, weights, judge, plan, room, lora, number, options)
    with bars(shown=settings.progress):
        return align(spec, lessons, known, alignment, run, progress=settings.progress)


def _check_enough(cells: Sequence[Corpus], tasks: Sequence[str], plan: Schedule) -> None:
    """Refuse a rollout that would ask about the same cell twice; only generation does not ask about cells."""
    n, asked = sum(int(one.readable.sum()) for one in cells), plan.rollout // plan.group_size
    if set(tasks) != {"generation"} and n * len(tasks) < asked:
        raise ValueError(
            f"the model can read {n} cells, and a rollout of {plan.rollout} answers in groups of {plan.group_size} "
            f"asks {asked} questions: bring more cells, or pass a smaller rollout="
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
    return spec.max_new_tokens(words) + 1
