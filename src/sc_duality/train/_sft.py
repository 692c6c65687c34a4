"""Supervised fine-tuning on training examples and their duals, with TRL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from ..models import ModelSpec
from ..models.engines import Tokens, one_level
from ..tasks import TrainingExample
from ._completion_loss import TextMeanSFT, text_mean, token_mean
from ._contrast import ContrastiveSFT
from ._eval_callback import EvalCallback
from ._history import history_of
from ._policy import Policy
from ._progress import without_prints
from ._run import Run, Trained
from ._traces import Trace
from ._trainer_args import adapter, batching, common, context_length, flush_denormals, model_options
from ._training_rows import GroupCollator, contrast_rows, plain_rows
from ._weight_averaging import WeightAveraging

#: Evaluations and checkpoints of a run.
_N_EVALUATIONS = 5


def fit(
    spec: ModelSpec,
    examples: Sequence[TrainingExample | Trace],
    held_out: Sequence[TrainingExample],
    run: Run,
    *,
    contrast: float,
    lora: int | Mapping[str, Any] | None,
    batch_size: int,
    learning_rate: float,
    seed: int,
    progress: bool,
    options: Mapping[str, Any],
) -> Trained:
    """Train once on every example, and evaluate on those held out.

    See :func:`sc_duality.tl.train_sft` for the arguments.
    """
    tokens, limit = Tokens(spec), context_length(spec)
    options = dict(options)
    completion_only_loss = bool(options.pop("completion_only_loss", True))
    per_text, decay = options.pop("loss_per", "token") == "text", options.pop("weight_averaging", 0.0)
    rows_of = contrast_rows if contrast > 0 else partial(plain_rows, completion_only_loss=completion_only_loss)
    data = Dataset.from_list(rows_of(tokens, examples, limit))
    evaluation_data = Dataset.from_list(rows_of(tokens, held_out, limit)) if held_out else None
    evaluation_args = {"eval_strategy": "steps", "eval_steps": 1 / _N_EVALUATIONS, "per_device_eval_batch_size": 8}
    arguments = {
        **common(run.checkpoints, steps=-1, saves=1 / _N_EVALUATIONS, seed=seed, progress=progress),
        **batching(batch_size, options),
        "num_train_epochs": 1,
        "learning_rate": learning_rate,
        "max_length": limit,
        "model_init_kwargs": model_options(spec.revision),
        "include_num_input_tokens_seen": "non_padding",
        "dataset_kwargs": {"skip_prepare_dataset": contrast > 0},
        **(evaluation_args if held_out else {}),
        **options,
    }
    trainer = _trainer(contrast, per_text, tokens)(
        model=spec.source,
        args=SFTConfig(**arguments),
        train_dataset=data,
        eval_dataset=evaluation_data,
        processing_class=tokens.tokenizer,
        peft_config=adapter(lora),
    )
    without_prints(trainer)
    steps = -(-len(trainer.train_dataset) // batch_size)  # packing leaves fewer
    evaluation = EvalCallback(Policy(spec, trainer), held_out, every=-(-steps // _N_EVALUATIONS))
    checkpoint = run.begin()
    if decay:
        trainer.add_callback(WeightAveraging(decay, checkpoint))
    if held_out:
        trainer.add_callback(evaluation)
    with run.keeping_checkpoints(), flush_denormals(), one_level():
        trainer.train(resume_from_checkpoint=checkpoint)
        record = {"accuracy": {task: found._asdict() for task, found in evaluation.last.items()}}
        history = history_of(trainer.state.log_history).drop(columns="eval_num_tokens", errors="ignore")
        return run.finish(trainer, spec, history, record)


def _trainer(contrast: float, per_text: bool, tokens: Tokens) -> Any:
    if contrast == 0:
        return TextMeanSFT if per_text else SFTTrainer
    pad = tokens.tokenizer.pad_token_id
    return partial(
        ContrastiveSFT,
        contrast=contrast,
        mean=text_mean if per_text else token_mean,
        data_collator=GroupCollator(0 if pad is None else pad),
    )
