"""Supervised fine-tuning on labelled cells."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._settings import settings
from .._validation import choice
from ..cells import adata_keys, seed
from ..examples import build, to_tasks
from ..models import format_tokens, with_none_of_these
from ..tasks import Annotation, TrainingExample
from ..train import Run, Trained, check_trl, digest, read_traces
from ._held_out_cells import held_out_cells
from ._sft_examples import sft_examples, trained_on
from ._sft_settings import sft_settings
from ._start_model import reference_studies, start_model, with_new_labels
from ._trainer_input import Tasks, epochs_by_task, in_prompt_format, model_cells, starting_model, with_tasks

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: What a model with one token a gene writes for a cell of none of the types.
_NONE_OF_THESE = "<unknown>"


def train_sft(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    model: str | Path,
    output_dir: str | Path,
    *,
    tasks: Tasks,
    held_out: float | Mapping[str, float | Sequence[str]] = 0.1,
    context: Sequence[str] = (),
    n_genes: int | None = None,
    augment: bool | Literal["studies"] = True,
    prompt_formats: Sequence[str | Path] = (),
    contrast: float = 0.0,
    traces: str | Path | None = None,
    lora: int | Mapping[str, Any] | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    **options: Any,
) -> Trained:
    """Train a model on tasks and their dual tasks with labelled cells.

    Every training example is a question with its true answer, and its dual: for a label the hidden genes, for a
    generated cell its type or perturbation. The result predicts in both directions, and is what
    :func:`train_grpo_duality` starts from.

    Parameters
    ----------
    adatas
        Labelled cells, one object or several, such as one a study. Cell sentences are written if there are none. A task
        is trained on the objects with its ``obs`` column.
    model
        The model to start from: a name of :func:`sc_duality.models.available`, a folder, or a hub repository.
    output_dir
        Folder for the model. An unfinished run with the same settings is resumed from its last checkpoint and ends with
        the same weights as without interruption; a finished one is returned at once.
    tasks
        Tasks with their ``obs`` columns, such as ``{"annotation": {"truth": "cell_type"}, "response": {"perturbation":
        "condition", "control": "ctrl", "match": ["donor"]}}``, or :class:`sc_duality.tasks.Task` objects. Each gets as
        many examples as it has cells. A task that the model was not trained for before is added to what it knows.
    held_out
        What is held out for evaluation: a fraction of cells; or, for each of one ``obs`` column, a fraction of its
        values or their names, such as ``{"donor": 0.1}`` or ``{"donor": ["d1", "d2"]}``.
    context
        ``obs`` columns with facts that the model reads, such as ``["tissue"]``.
    n_genes
        Genes of a cell sentence; by default what the model reads.
    augment
        Whether to augment cells: fewer counts, missing genes, jittered ranks, shorter sentences. ``"studies"`` also
        changes six in ten cells as one object of ``adatas`` differs from another: shifts of each gene, measured in the
        types of both or random, background RNA, and panels of genes; it reads counts into memory. Held-out cells are
        not augmented, nor cells that the model learns to generate.
    prompt_formats
        Further prompt formats for general models, such as ``["terse"]``: training on several teaches the task and not
        one prompt. Held-out examples use the model's own.
    contrast
        Weight of a contrastive loss by which the dual of a label task tells the true label from two wrong ones; 0 for
        none. With 1 the dual becomes a verifier; without, it may ignore the label.
    traces
        File of :func:`distill`: the teacher's completions are training examples too.
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
        Of ``trl.SFTConfig``. ``num_train_epochs`` (3 by default) is the number of examples for each cell, one for all
        tasks or by name, such as ``{"annotation": 3, "generation": 1}``; ``learning_rate`` (1e-5) the peak of AdamW's,
        and ``batch_size`` (32) the number of texts of an update over all processes; ``completion_only_loss=False``
        learns prompts too, as in C2S-Scale's pretraining; ``loss_per="text"`` (``"token"``) makes a label weigh as much
        as a whole cell; ``weight_averaging=0.999`` (0) ends with the running average of the weights over the last two
        thirds of the updates, with this decay; ``unknown_share=0.1`` (0) makes a tenth of the examples of annotation
        cells of none of the types, so that a model with one token a gene learns to say so: doublets, empty droplets
        and cells with exchanged genes, made of the training cells; ``dual_share=0.2`` (1) learns the dual of a fifth of
        the examples only, for more cells in the same time; ``packing``, ``per_device_train_batch_size``,
        ``gradient_checkpointing`` and others as in TRL.
        ``preset="cell-o1"`` sets what is not passed as in Cell-o1: 10 epochs at 5e-5 in batches of 128, with a LoRA
        adapter of rank 256.

    Returns
    -------
    A named pair:

    ``model``
        ``output_dir``, for ``model=`` of any tool: weights, tokenizer, ``sc_duality.json`` (the model's specification),
        ``history.csv``, ``training.json`` (settings, versions, and ``accuracy`` of the primal and dual tasks on
        held-out cells) and ``checkpoints``.
    ``history``
        DataFrame with one row a step: ``loss`` (nats a token of the completions), ``token_accuracy``,
        ``learning_rate``, ``tokens`` (read so far, prompts included); five times a run ``eval_loss``,
        ``<task>/accuracy`` and ``<task>/dual_accuracy``.

    Raises
    ------
    ValueError, KeyError, TypeError
        The input cannot be used, or a text exceeds the context length; raised before the model is loaded.
    FileExistsError
        ``output_dir`` holds another run, or other files.
    ImportError
        TRL is missing, or a release that was not tested.

    Notes
    -----
    Minimises the negative log-likelihood of the answers of both directions (CellDuality §3.3.2, equation 1, with the
    paper's 3 epochs at 1e-5), without the paper's reasoning: :func:`distill` adds that. Labels are sampled by the
    square root of their frequency. Half of the duals show the label alone, half the observed genes too. The contrastive
    loss is ours: −log softmax of 0.3 times the log-likelihoods of the hidden genes under the true and the wrong labels.

    Several processes train one model with ``accelerate launch`` on a script that calls this, or on ``sc-duality``.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> tasks = {"annotation": {"truth": "cell_type"}, "generation": {"truth": "cell_type"}}
    >>> model, history = sd.tl.train_sft(adata, "embedded", "my-model", tasks=tasks)  # doctest: +SKIP
    >>> sd.tl.annotate(adata, model, labels="blood")  # doctest: +SKIP
    """
    spec = starting_model(model)
    chosen, number = to_tasks(tasks), seed(rng)
    run_settings = sft_settings(options, lora=lora, contrast=contrast)
    task_epochs = epochs_by_task(run_settings.epochs, chosen)
    choice("augment", augment, [True, False, "studies"])
    specs = [spec, *(in_prompt_format(spec, prompt_format) for prompt_format in prompt_formats)]
    extra = [] if traces is None else read_traces(traces, spec)
    generator = np.random.default_rng(number)
    objects = model_cells(adatas, spec, mod=mod, sentence_key=sentence_key, n_genes=n_genes, context=context)

    original, of_objects = spec, trained_on(chosen, objects)
    seen = [build(task, cells) for cells, own in zip(objects, of_objects, strict=True) for task in own]
    spec, new_labels = with_new_labels(original, seen)
    if run_settings.unknown_share:
        if spec.genes is None:
            raise ValueError(f"unknown_share= is for models with one token a gene, and {spec.name!r} reads any text")
        spec = with_none_of_these(spec, _NONE_OF_THESE)
    objects, specs = [cells.for_model(spec) for cells in objects], [spec, *specs[1:]]

    examples, evaluation, builders = sft_examples(
        objects,
        of_objects,
        held_out_cells(objects, held_out, generator),
        specs,
        task_epochs,
        augment=augment,
        unknown_share=run_settings.unknown_share,
        dual_share=run_settings.dual_share,
        rng=generator,
    )
    if not examples:
        raise ValueError(f"held_out={held_out!r} leaves no cell to train on: hold fewer out")
    if contrast and not any(one.wrong and one.with_dual for one in examples):
        raise ValueError(
            f"contrast= tells labels apart, and {', '.join(t.name for t in chosen)} has none: leave it out"
        )
    run = Run(
        output_dir,
        {
            "kind": "sft", "model": spec.name, "fingerprint": spec.fingerprint, "tasks": [task.name for task in chosen],
            "data": digest(examples), "traces": digest(extra), "contrast": contrast,
            "lora": run_settings.lora, "num_train_epochs": run_settings.epochs, "batch_size": run_settings.batch_size,
            "learning_rate": run_settings.learning_rate, "rng": number, "options": run_settings.options,
        },
    )  # fmt: skip
    finished = run.finished()
    if finished is not None:
        return finished
    check_trl()
    from ..train import bars, fit

    tokens = format_tokens(spec, _texts([*examples, *evaluation])) if spec.genes is not None else []
    if new_labels or tokens or original.known(Annotation.name, "in_distribution"):
        studies = reference_studies(spec, builders, new_labels, number)
        task = Annotation(prompt_format=spec.prompt_format)
        spec = start_model(original, spec, new_labels, studies, tokens, run.start, task)

    logger.info("%d training examples, %d traces, %d held out", len(examples), len(extra), len(evaluation))
    texts = [*examples, *extra * max(1, round(max(task_epochs.values())))]
    with bars(shown=settings.progress):
        return fit(
            with_tasks(spec, [builder for builder, _ in builders]),
            [texts[i] for i in generator.permutation(len(texts))],
            evaluation,
            run,
            contrast=contrast,
            lora=run_settings.lora,
            batch_size=run_settings.batch_size,
            learning_rate=run_settings.learning_rate,
            seed=number,
            progress=settings.progress,
            options=run_settings.options,
        )


def _texts(examples: Sequence[TrainingExample]) -> Iterator[str]:
    """Prompts and completions of these examples."""
    for example in examples:
        for prompt, completion in (*example.texts(), *example.contrast_texts()):
            yield prompt
            yield completion
